#!/usr/bin/env python3
"""A server that misbehaves on request, for the tests of the instrument; as `corelab` it also lists two cores.

usage: fake_server.py PORT [MODE...]            serve, with faults
       corelab cores --json | --version         as the program would
       corelab serve --core NAME ... -b HOST:PORT
"""

import ctypes
import json
import os
import selectors
import signal
import socket
import sys
import threading
import time

BODY = b"Hello, World!"
BUSY_SECONDS = 0.3  # of CPU time, burned by a busy child
FAULT_AFTER = 50  # answers that are right before a fault shows


def answer(modes: set[str], count: int) -> bytes:
    faulty = count >= FAULT_AFTER
    body = b"Goodbye" if "wrong" in modes or "turns-wrong" in modes and faulty else BODY
    status = b"500 Internal Server Error" if "turns-500" in modes and faulty else b"200 OK"
    if "dies" in modes and faulty:
        os._exit(3)
    return b"HTTP/1.1 %s\r\nDate: %d\r\nContent-Length: %d\r\n\r\n%s" % (
        status, time.time_ns() % 10, len(body), body)


def end_main_thread_first() -> None:
    """The process is a zombie to look at while its last thread burns what BUSY_SECONDS says; nobody can reap it yet."""
    def burn():
        while time.thread_time() < BUSY_SECONDS:
            pass
        os._exit(0)
    threading.Thread(target=burn).start()
    ctypes.CDLL(None).pthread_exit(None)


def serve(port: int, modes: set[str]) -> None:
    if "refuses" in modes:
        sys.exit("this server refuses to start")
    if modes & {"child", "busy-child"} and os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while "busy-child" in modes and time.process_time() < BUSY_SECONDS:
            pass
        while True:
            time.sleep(60)
    if "stubborn" in modes:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    elif "main-thread-first" in modes:
        signal.signal(signal.SIGTERM, lambda *_: end_main_thread_first())
    else:
        signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    listener = socket.create_server(("127.0.0.1", port), backlog=512)
    selector = selectors.DefaultSelector()
    selector.register(listener, selectors.EVENT_READ)
    count = 0
    while True:
        for key, _ in selector.select():
            if key.fileobj is listener:
                selector.register(listener.accept()[0], selectors.EVENT_READ)
                continue
            try:
                data = key.fileobj.recv(65536)
                if data:
                    for _ in range(data.count(b"\r\n\r\n")):
                        key.fileobj.sendall(answer(modes, count))
                        count += 1
                    if "closes" not in modes:
                        continue
            except OSError:
                pass
            selector.unregister(key.fileobj)
            key.fileobj.close()


def as_corelab(arguments: list[str]) -> None:
    if arguments[0] == "--version":
        print("corelab of the tests")
    elif arguments[0] == "cores":
        print(json.dumps([{"name": name, "waiting": "evented", "unit": "thread", "distribution": "none",
                           "teaches": "-"} for name in ("event-loop", "multi-reactor")]))
    else:
        serve(int(arguments[arguments.index("-b") + 1].split(":")[1]), {"child", "stubborn"})


if __name__ == "__main__":
    if os.path.basename(sys.argv[0]) == "corelab":
        as_corelab(sys.argv[1:])
    else:
        serve(int(sys.argv[1]), set(sys.argv[2:]))
