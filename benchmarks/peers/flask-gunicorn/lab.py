"""The lab's endpoints as a Flask application."""

import time

from flask import Flask, Response, request

app = Flask(__name__)


def text(body: str) -> Response:
    return Response(body, content_type="text/plain; charset=utf-8")


@app.get("/plaintext")
def plaintext():
    return text("Hello, World!")


@app.get("/json")
def json():
    return Response('{"message":"Hello, World!"}', content_type="application/json")


@app.get("/cpu")
def cpu():
    """Burns CPU time of this thread, not wall time: threads that share a lock really wait for each other."""
    microseconds = int(request.args["us"])
    end = time.thread_time_ns() + microseconds * 1000
    while time.thread_time_ns() < end:
        pass
    return text(f"burned {microseconds} us\n")


@app.get("/block")
def block():
    milliseconds = int(request.args["ms"])
    time.sleep(milliseconds / 1000)
    return text(f"blocked {milliseconds} ms\n")
