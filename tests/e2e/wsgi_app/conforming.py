"""An application inside wsgiref's validator, which watches the server: a breach is a 500 and a trace on stderr."""

from wsgiref.validate import validator


def echo(environ, start_response):
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    answer = f"{environ['REQUEST_METHOD']} {environ['QUERY_STRING']} ".encode("latin-1") + body
    if environ["PATH_INFO"] == "/streamed":
        start_response("200 OK", [("Content-Type", "text/plain")])
        return (bytes([byte]) for byte in answer)
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(answer)))])
    return [answer]


app = validator(echo)
