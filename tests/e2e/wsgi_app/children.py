"""Processes of an application's own: what they begin with, and who ends them."""

import multiprocessing
import os
import signal
import subprocess
import time


def ended_by_term(wait, kill):
    """Has a process that was told to terminate ended?"""
    end = time.monotonic() + 2
    while time.monotonic() < end:
        if wait():
            return "ended"
        time.sleep(0.01)
    kill()
    return "goes on"


def popen():
    child = subprocess.Popen(["sleep", "60"])
    child.terminate()
    return ended_by_term(lambda: child.poll() is not None, child.kill)


def shell():
    try:
        subprocess.run(["sh", "-c", "sleep .2 & wait"], timeout=3)
        return "ended"
    except subprocess.TimeoutExpired:
        return "goes on"


def fork():
    child = os.fork()
    if child == 0:
        time.sleep(60)
        os._exit(0)
    os.kill(child, signal.SIGTERM)
    return ended_by_term(lambda: os.waitpid(child, os.WNOHANG)[0] != 0,
                         lambda: (os.kill(child, signal.SIGKILL), os.waitpid(child, 0)))


def process():
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,))
    child.start()
    child.terminate()
    return ended_by_term(lambda: not child.is_alive(), child.kill)


def masks(status):
    return [line.split()[1] for line in status.splitlines() if line.startswith(("SigBlk", "SigCgt"))]


def seen_by_spawn(command):
    reader, writer = os.pipe()
    child = os.posix_spawn("/bin/sh", ["sh", "-c", command], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, writer, 1)])
    os.close(writer)
    with os.fdopen(reader) as output:
        seen = output.read()
    os.waitpid(child, 0)
    return seen


def spawned_mask():
    # A shell catches signals of its own.
    return "none blocked" if int(masks(seen_by_spawn("cat /proc/self/status"))[0], 16) == 0 else "some blocked"


def limits():
    by_popen = subprocess.check_output(["sh", "-c", "ulimit -Sn"], text=True).strip()
    return f"{by_popen} {seen_by_spawn('ulimit -Sn').strip()}"


def fork_in_a_drain():
    """Are the descriptors that a child inherits the application's own, when the server has closed some?"""
    time.sleep(1)
    pipes = [os.pipe() for _ in range(4)]
    child = os.fork()
    if child == 0:
        try:
            for pipe in pipes:
                os.fstat(pipe[0]), os.fstat(pipe[1])
            os._exit(0)
        except OSError:
            os._exit(1)
    return str(os.waitpid(child, 0)[1])


def soft_limit():
    return subprocess.check_output(["sh", "-c", "ulimit -Sn"], text=True).strip()


def all_kinds():
    return " ".join([popen(), shell(), fork(), process(), spawned_mask(), limits()])


at_import = all_kinds()


def imported():
    return at_import


def app(environ, start_response):
    answer = globals()[environ["PATH_INFO"][1:]]()
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [answer.encode()]
