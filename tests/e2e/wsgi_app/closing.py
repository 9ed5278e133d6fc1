"""Streamed bodies whose close() takes its time: a while, or until there is the file that the query names."""

import os
import sys
import time


def wait_for(file):
    while not os.path.exists(file):
        time.sleep(0.005)


class Blocks:
    def __init__(self, blocks, close):
        self.blocks = blocks
        self.close = close

    def __iter__(self):
        return iter(self.blocks)


def endless():
    while True:
        yield b"x" * 10_000


def app(environ, start_response):
    path, file = environ["PATH_INFO"], environ["QUERY_STRING"]

    def close():
        sys.stderr.write("closing\n")
        wait_for(file)
        sys.stderr.write("closed\n")

    if path == "/slow":
        start_response("200 OK", [("Content-Length", "4")])
        return Blocks([b"ab", b"cd"], lambda: time.sleep(1))
    if path == "/late":
        time.sleep(1)
    start_response("304 Not Modified" if path == "/unmodified" else "200 OK", [])
    return [b"quick"] if path == "/quick" else Blocks(endless(), close)
