"""What an application finds in wsgi.input: its kind, its length, and a checksum."""

import hashlib
import io


def app(environ, start_response):
    body = environ["wsgi.input"]
    kind = "memory" if isinstance(body, io.BytesIO) else "file" if body.fileno() >= 0 else "unknown"
    digest, length = hashlib.md5(), 0
    while block := body.read(1 << 20):
        digest.update(block)
        length += len(block)
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{kind} {length} {digest.hexdigest()} {environ['CONTENT_LENGTH']}".encode()]
