"""An application that speaks its users' language."""

import locale
import os

locale.setlocale(locale.LC_ALL, os.environ["SPOKEN"])


def app(environ, start_response):
    start_response("200 OK", [])
    return [(locale.setlocale(locale.LC_TIME) + " " + environ.get("HTTP_IF_NONE_MATCH", "absent")).encode()]
