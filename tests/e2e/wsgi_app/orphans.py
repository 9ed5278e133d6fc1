"""Processes that outlive their parents, and one that its parent waits for."""

import subprocess
import time


def orphans():
    for _ in range(5):
        subprocess.run(["sh", "-c", "sleep 0.1 &"])
    return "left"


def own_child():
    child = subprocess.Popen(["sh", "-c", "exit 7"])
    time.sleep(0.2)  # whoever waits for it in its parent's place would have by now
    return str(child.wait())


def app(environ, start_response):
    answer = globals()[environ["PATH_INFO"][1:]]()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer.encode()]
