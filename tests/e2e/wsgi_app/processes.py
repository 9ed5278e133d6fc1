"""Which process imported it, and whether it works in the one that serves."""

import os
import threading
import time

imported_in = os.getpid()
forked = []
os.register_at_fork(after_in_child=lambda: forked.append(os.getpid()))


def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    if environ["PATH_INFO"] == "/works":
        done = []
        thread = threading.Thread(target=lambda: (time.sleep(0.01), done.append("works")))
        thread.start()
        thread.join()
        return [done[0].encode()]
    return [f"{imported_in} {os.getpid()} {os.getppid()} {len(forked)}".encode()]
