"""A streamed body of known length whose close() takes its time."""

import time


class Slow:
    def __iter__(self):
        return iter([b"ab", b"cd"])

    def close(self):
        time.sleep(1)


def app(environ, start_response):
    if environ["PATH_INFO"] != "/slow":
        start_response("200 OK", [])
        return [b"quick"]
    start_response("200 OK", [("Content-Length", "4")])
    return Slow()
