"""Handlers that hold their thread, in Python and in a sleep."""

import time


def sleeps():
    time.sleep(0.3)


def computes():
    end = time.monotonic() + 0.3
    while time.monotonic() < end:
        pass


def report():
    sleeps()
    return b"reported"


def calculation():
    computes()
    return b"calculated"


def streamed():
    yield b"first"
    computes()
    yield b"second"


def app(environ, start_response):
    start_response("200 OK", [])
    name = environ["PATH_INFO"].strip("/").split("/")[0]
    if name == "streamed":
        return streamed()
    return [{"report": report, "calculation": calculation}.get(name, lambda: b"quick")()]
