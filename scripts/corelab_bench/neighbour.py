"""One more client that asks without a pause while others are measured: its worker is kept busy, or blocked."""

import contextlib
import socket
import threading

from corelab_bench import http_check

PATIENCE_SECONDS = 10.0


class Neighbour:
    """One connection, one request at a time; use as a context manager around the measurement."""

    def __init__(self, port: int, path: str):
        self.request = http_check.request(port, path, close=False)
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_SECONDS)
        self.ended = threading.Event()
        self.answers = 0
        self.problem = ""
        self.thread = threading.Thread(target=self.run, daemon=True)

    def run(self) -> None:
        try:
            while not self.ended.is_set():
                self.connection.sendall(self.request)
                status = http_check.read_answer(self.connection).status
                if status != 200:
                    self.problem = f"it got an answer of status {status}"
                    return
                self.answers += 1
        except OSError as problem:
            self.problem = f"it lost its connection: {problem}"

    def __enter__(self) -> "Neighbour":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.ended.set()
        self.thread.join(PATIENCE_SECONDS)
        self.connection.close()


@contextlib.contextmanager
def neighbour(path: str, port: int, record: dict):
    """Nobody where there is no path. What became of it joins `record`, for the gates."""
    if not path:
        yield
        return
    with Neighbour(port, path) as client:
        yield
    record["neighbour"] = {"answers": client.answers, "problem": client.problem}
