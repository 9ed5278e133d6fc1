"""Answers with its environ, as far as JSON can say it, and the length of the body."""

import json


def app(environ, start_response):
    shown = {key: value for key, value in environ.items() if isinstance(value, (str, bool))}
    shown["length of the body"] = len(environ["wsgi.input"].read())
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps(shown).encode()]
