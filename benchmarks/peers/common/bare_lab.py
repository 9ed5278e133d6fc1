"""The lab's endpoints as a bare WSGI callable: what a server costs where no framework hides it."""

import time

from burn import burn


def app(environ, start_response):
    path, number = environ["PATH_INFO"], environ["QUERY_STRING"].partition("=")[2]
    status, body = "200 OK", "Hello, World!"
    if path == "/cpu":
        burn(int(number))
        body = f"burned {number} us\n"
    elif path in ("/sleep", "/block"):
        time.sleep(int(number) / 1000)
        body = f"slept {number} ms\n"
    elif path != "/plaintext":
        status, body = "404 Not Found", "not found\n"
    block = body.encode()
    start_response(status, [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(block)))])
    return [block]
