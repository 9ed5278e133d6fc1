"""One connection that keeps its worker blocked, request after request, while others are measured."""

import socket
import threading

from corelab_bench import http_check


class Blocker:
    """Use as a context manager around the measurement."""

    def __init__(self, port: int, path: str):
        self.request = http_check.request(port, path, close=False)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=10)
        self.ended = threading.Event()
        self.blocks = 0
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                self.connection.sendall(self.request)
                http_check.read_answer(self.connection)
                self.blocks += 1
        except OSError:
            pass  # `blocks` says how far it came

    def __enter__(self) -> "Blocker":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join(10)
        self.connection.close()
