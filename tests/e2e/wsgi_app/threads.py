"""What the server's threads keep between requests, and what they leave behind."""

import ctypes
import sys
import threading

local = threading.local()
shared = ("shared by", "all requests")


def visits():
    local.visits = getattr(local, "visits", 0) + 1
    return f"{local.visits} {threading.get_ident()}"


def thread_states():
    api = ctypes.pythonapi
    for function in (api.PyInterpreterState_Get, api.PyInterpreterState_ThreadHead, api.PyThreadState_Next):
        function.restype = ctypes.c_void_p
    state = api.PyInterpreterState_ThreadHead(ctypes.c_void_p(api.PyInterpreterState_Get()))
    count = 0
    while state:
        count += 1
        state = api.PyThreadState_Next(ctypes.c_void_p(state))
    return str(count)


def memory():
    return f"{sys.getallocatedblocks()} {sys.getrefcount(shared)} {sys.getrefcount(None)}"


def use():
    return str(len(shared))


def fail():
    raise ValueError(shared)


def streamed():
    return (part.encode() for part in shared)


def app(environ, start_response):
    answer = globals()[environ["PATH_INFO"][1:]]()
    start_response("200 OK", [("Content-Type", "text/plain")])
    environ["wsgi.input"].read()
    return [answer.encode()] if isinstance(answer, str) else answer
