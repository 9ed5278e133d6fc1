"""Answers that come in pieces: written or given as blocks, with pauses, without an end, or with nothing in them."""

import os
import signal
import sys
import time
from urllib.parse import parse_qs


class Empty:
    """b"" for ever, behind what `first` holds."""

    def __init__(self, first):
        self.first = first

    def __iter__(self):
        if self.first:
            yield self.first
        while True:
            time.sleep(0.001)
            yield b""

    def close(self):
        sys.stderr.write("closed\n")


if "TIMER" in os.environ:
    signal.signal(signal.SIGALRM, lambda number, frame: None)
    signal.setitimer(signal.ITIMER_REAL, *2 * [float(os.environ["TIMER"])])


def empty_then_fail(written, write):
    yield b""
    if written:
        write(written)
    yield b""
    raise ValueError("in the middle")


def ticks(count, seconds):
    for i in range(count):
        yield b"tick\n"
        time.sleep(seconds)


def app(environ, start_response):
    path = environ["PATH_INFO"]
    asked = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
    write = start_response("200 OK", [("Content-Type", "text/plain")])
    if path == "/empty":
        return Empty(asked.get("first", "").encode())
    if path == "/empty-then-fail":
        return empty_then_fail(asked.get("written", "").encode(), write)
    if path == "/ticks":
        return ticks(int(asked["count"]), float(asked["seconds"]))
    if path == "/written-ticks":
        for tick in ticks(int(asked["count"]), float(asked["seconds"])):
            write(tick)
    if path == "/write-then-wait":
        write(b"written ")
        time.sleep(float(asked["seconds"]))
        return [b"returned"]
    if path == "/write":
        piece = b"x" * 65536
        for _ in range(int(asked["count"])):
            write(piece)
    if path == "/one-block":
        return [b"x" * int(asked["size"])]
    if path == "/quote":
        print(asked["text"], file=environ["wsgi.errors"])
        environ["wsgi.errors"].writelines(["it was ", asked["text"], "\n"])
        raise ValueError(asked["text"])
    if path == "/long-head":
        start_response("200 OK", [("X", "x" * 1000)] * int(asked["count"]), (ValueError, ValueError(), None))
    if path == "/write-then-fail":
        write(b"a part")
        raise ValueError("in the middle")
    if path == "/write-for-ever":
        try:
            while True:
                write(b"x" * 65536)
        except OSError as error:
            sys.stderr.write(f"write failed: {error}\n")
            raise
    return [b"done"]
