"""A function for each way to answer, right or wrong, named by the path."""

import sys

TEXT = [("Content-Type", "text/plain")]


def app(environ, start_response):
    return globals()[environ["PATH_INFO"][1:]](environ, start_response)


def fine(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"fine"]


# --- start_response ---


def twice(environ, start_response):
    start_response("200 OK", TEXT)
    start_response("200 OK", TEXT)
    return [b"twice"]


def mended(environ, start_response):
    start_response("200 OK", [*TEXT, ("X-First", "1")])
    try:
        raise RuntimeError("in time")
    except RuntimeError:
        start_response("503 Mended", TEXT, sys.exc_info())
    return [b"mended"]


def mended_too_late(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"first"
    try:
        raise RuntimeError("too late")
    except RuntimeError:
        start_response("503 Mended", TEXT, sys.exc_info())
    yield b"never sent"


def never(environ, start_response):
    return [b"never"]


def body_first(environ, start_response):
    yield b"body first"
    start_response("200 OK", TEXT)


def started_by_the_first_block(environ, start_response):
    start_response("200 OK", TEXT)
    yield b"started"


def writes(environ, start_response):
    write = start_response("200 OK", TEXT)
    write(b"one ")
    write(b"two ")
    return [b"three"]


def own_reason(environ, start_response):
    start_response("299 Quite Fine", TEXT)
    return [b""]


def bad_status(environ, start_response):
    start_response("fine", TEXT)
    return [b""]


# --- headers ---


def hop_by_hop(environ, start_response):
    start_response("200 OK", [("Connection", "close")])
    return [b""]


def split(environ, start_response):
    start_response("200 OK", [("X-Split", "a\r\nX-Smuggled: b")])
    return [b""]


def not_latin_1(environ, start_response):
    start_response("200 OK", [("X-Price", "5 \u20ac")])
    return [b""]


def bytes_in_a_header(environ, start_response):
    start_response("200 OK", [("X-Bytes", b"b")])
    return [b""]


def own_headers(environ, start_response):
    start_response("200 OK", [("X-Two", "1"), ("X-Two", "caf\u00e9"), ("Date", "today"), ("Server", "mine")])
    return [b""]


# --- lengths and bodies ---


def promises_more(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    return [b"short"]


def streams_less_than_it_promises(environ, start_response):
    start_response("200 OK", [("Content-Length", "10")])
    yield b"sh"
    yield b"ort"


def promises_less(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    return [b"longer"]


def streams_more_than_it_promises(environ, start_response):
    start_response("200 OK", [("Content-Length", "3")])
    yield b"lo"
    yield b"nger"


def text_block(environ, start_response):
    start_response("200 OK", TEXT)
    return ["text"]


def no_iterable(environ, start_response):
    start_response("200 OK", TEXT)
    return 7


def sized(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [b"sized"]


def sized_for_get_alone(environ, start_response):
    start_response("200 OK", [("Content-Length", "5")])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [b"sized"]


def two_blocks(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"two ", b"blocks"]


def pair(environ, start_response):
    start_response("200 OK", TEXT)
    return b"a ", b"tuple"


def generated(environ, start_response):
    start_response("200 OK", TEXT)
    yield b""
    yield b"gene"
    yield b""
    yield b"rated"


def large(environ, start_response):
    start_response("200 OK", TEXT)
    return [b"x" * 300_000] * 10


def no_content(environ, start_response):
    start_response("204 No Content", [])
    return []


def not_modified(environ, start_response):
    start_response("304 Not Modified", [("ETag", '"1"')])
    return [b"not to be sent"]


def raises(environ, start_response):
    raise RuntimeError("a secret")


def exits(environ, start_response):
    sys.exit(3)


def interrupts(environ, start_response):
    raise KeyboardInterrupt
