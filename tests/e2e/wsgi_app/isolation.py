"""What an answer counts on from its call to its close(): a context of its own, and a thread for itself."""

import contextvars
import itertools
import os
import sys
import threading
from urllib.parse import parse_qs

name = contextvars.ContextVar("name", default="nobody")
local = threading.local()


def database():
    """A connection, which its thread alone may use, and a cursor over 1, 2, ..."""
    if os.environ.get("DATABASE") == "none":
        return None, ((i,) for i in itertools.count(1))
    import sqlite3
    connection = sqlite3.connect(":memory:")
    return connection, connection.execute("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n")


class Answer:
    """Lines that say whose context and thread they were made in: some written, the others given as blocks."""

    def __init__(self, environ, start_response):
        asked = {key: values[0] for key, values in parse_qs(environ["QUERY_STRING"]).items()}
        self.name, self.size = asked["name"], int(asked["size"])
        self.blocks, written = int(asked["blocks"]), int(asked.get("written", 0))
        before = name.get()
        self.token = name.set(self.name)
        local.name = self.name
        self.database, self.rows = database()
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
        if self.database is not None:
            self.database.close()
        sys.stderr.write(f"closed {self.name} {name.get()} {local.name} {threading.get_ident()}\n")


app = Answer
