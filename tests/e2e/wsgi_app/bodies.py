"""Iterables that live as long as their answer, and say on standard error when they are closed."""

import os
import sys
import time

class Blocks:
    def __init__(self, name, blocks):
        self.name = name
        self.blocks = blocks

    def __iter__(self):
        return self.blocks

    def close(self):
        sys.stderr.write(f"closed: {self.name}\n")


def whole():
    yield b"first"
    yield b" second"


def failing():
    yield b"first"
    raise RuntimeError("in the middle")


def endless():
    while True:
        yield b"x" * 10_000
        time.sleep(0.001)


def until_there_is(file):
    yield b"first"
    while not os.path.exists(file):
        time.sleep(0.005)
    yield b"second"


def app(environ, start_response):
    name = environ["PATH_INFO"][1:]
    start_response("200 OK", [("Content-Type", "text/plain")])
    if name == "until_there_is":
        return Blocks(name, until_there_is(environ["QUERY_STRING"]))
    return Blocks(name, globals()[name]())
