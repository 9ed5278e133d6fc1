"""What a thread finds where it should have left something: with --gil own, its own things alone."""

import os
import sys
import threading
import time

calls = 0  # of this module, of which there is one an interpreter
local = threading.local()


def counts():
    global calls
    calls += 1
    local.calls = getattr(local, "calls", 0) + 1
    return f"{os.getpid()} {threading.get_ident()} {id(sys.modules)} {calls} {local.calls}"


def counts_slowly():
    time.sleep(0.2)
    return counts()


def app(environ, start_response):
    answer = globals()[environ["PATH_INFO"][1:]]()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
