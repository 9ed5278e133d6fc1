"""What an answer counts on from its call to its close(): a context of its own, and a thread for itself."""

import contextvars
import sqlite3
import sys
import threading
from urllib.parse import parse_qs

name = contextvars.ContextVar("name", default="nobody")
local = threading.local()


class Answer:
    """Lines that say whose context and thread they were made in: some written, the others given as blocks."""

    def __init__(self, environ, start_response):
        asked = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        self.name, self.size = asked["name"], int(asked["size"])
        self.blocks, written = int(asked["blocks"]), int(asked.get("written", 0))
        before = name.get()
        self.token = name.set(self.name)
        local.name = self.name
        self.database = sqlite3.connect(":memory:")  # its thread alone may use it
        self.rows = self.database.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")
        headers = [("Content-Type", "text/plain"), ("X-Before", before), ("X-Thread", str(threading.get_ident()))]
        write = start_response("200 OK", headers)
        for _ in range(written):
            write(self.line())

    def line(self):
        seen = f"{name.get()} {local.name} {threading.get_ident()} {next(self.rows)[0]} "
        return seen.ljust(self.size - 1, ".").encode() + b"\n"

    def __iter__(self):
        for _ in range(self.blocks):
            yield self.line()

    def close(self):
        name.reset(self.token)
        self.database.close()
        sys.stderr.write(f"closed {self.name} {name.get()} {local.name} {threading.get_ident()}\n")


app = Answer
