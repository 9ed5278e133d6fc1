"""One request, one whole answer, and whether two answers are the same: what every row is proved by."""

import socket
from dataclasses import dataclass

# These two change from one answer to the next without being wrong.
CHANGING = (b"date", b"connection")


@dataclass(frozen=True)
class Answer:
    status: int
    head: bytes
    body: bytes

    @property
    def size(self) -> int:
        return len(self.head) + len(self.body)

    def identity(self) -> tuple:
        """What must not change: status line, every other header, body."""
        lines = self.head.rstrip(b"\r\n").split(b"\r\n")
        kept = sorted(line for line in lines[1:] if line.split(b":")[0].strip().lower() not in CHANGING)
        return (lines[0], tuple(kept), self.body)


def posted(size: int) -> bytes:
    """The body of a POST: what lua/load.lua sends, too."""
    return b"x" * size


def request(port: int, path: str, close: bool, post_bytes: int = 0) -> bytes:
    connection = "Connection: close\r\n" if close else ""
    length = f"Content-Length: {post_bytes}\r\n" if post_bytes else ""
    head = f"{'POST' if post_bytes else 'GET'} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{connection}{length}\r\n"
    return head.encode() + posted(post_bytes)


def fetch(port: int, path: str, close: bool = False, timeout: float = 10.0, post_bytes: int = 0) -> Answer:
    """Asks once over a fresh connection. Raises OSError when there is no whole HTTP answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        connection.sendall(request(port, path, close, post_bytes))
        return read_answer(connection)


def read_answer(connection: socket.socket) -> Answer:
    data = b""
    while b"\r\n\r\n" not in data:
        data += receive(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    try:
        status, length = int(head.split(b" ", 2)[1]), content_length(head)
    except (IndexError, ValueError) as problem:
        raise ConnectionError(f"not an HTTP answer: {head[:40]!r}") from problem
    while length is not None and len(body) < length:
        body += receive(connection)
    if length is None:
        while more := connection.recv(65536):
            body += more
    return Answer(status, head, body)


def receive(connection: socket.socket) -> bytes:
    more = connection.recv(65536)
    if not more:
        raise ConnectionError("closed before the answer was whole")
    return more


def content_length(head: bytes) -> int | None:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            return int(value)
    return None


def answers(port: int, path: str) -> bool:
    """Whether somebody answers 200 there."""
    try:
        return fetch(port, path).status == 200
    except OSError:
        return False


def difference(before: Answer, after: Answer) -> str:
    """Empty when the answers are the same, else what differs, short."""
    if before.identity() == after.identity():
        return ""
    if before.status != after.status:
        return f"status {before.status} became {after.status}"
    if before.body != after.body:
        return f"body {before.body[:40]!r} became {after.body[:40]!r}"
    return "the headers changed"
