"""The lab's endpoints as a Flask application, for every server that speaks WSGI."""

import time

from burn import burn
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
    microseconds = int(request.args["us"])
    burn(microseconds)
    return text(f"burned {microseconds} us\n")


@app.get("/sleep")
@app.get("/block")
def sleep():
    """A WSGI application has one way to wait: it blocks its thread."""
    milliseconds = int(request.args["ms"])
    time.sleep(milliseconds / 1000)
    return text(f"slept {milliseconds} ms\n")
