"""Handlers that take long or for ever, and a function for the end of the process."""

import atexit
import os
import sys
import time

atexit.register(lambda: sys.stderr.write(f"the end of {os.getpid()}\n"))


def spins():
    while True:
        pass


def sleeps():
    time.sleep(1000)


def stalls():
    yield b"first"
    sleeps()


def naps():
    time.sleep(0.8)
    return b"slept " * 1000


def computes():
    end = time.thread_time() + 0.05
    while time.thread_time() < end:
        pass
    return b"computed"


def lives():
    return b"alive"


def app(environ, start_response):
    answer = globals()[environ["PATH_INFO"][1:]]()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer] if isinstance(answer, bytes) else answer
