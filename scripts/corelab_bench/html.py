"""report.html: the report's own Markdown, with its figures inside, as one file that needs no network and no server.

The content is made once, in report.md.j2; this only sets it: a table of contents, tables that scroll on a small
screen, figures that open large (templates/report.js).
"""

import html
import re
import urllib.parse
from pathlib import Path

import jinja2
import markdown

TEMPLATES = Path(__file__).parent / "templates"
IMAGE = re.compile(r'<p><img alt="([^"]*)" src="[^"]*figures/([\w-]+)\.svg" ?/?></p>')
EXTENSIONS = ("tables", "fenced_code", "toc", "md_in_html", "sane_lists")


def page(text: str, figures: Path) -> str:
    """`text` is the report as Markdown, `figures` the folder of the SVG files that it shows."""
    converter = markdown.Markdown(extensions=EXTENSIONS)
    # Markdown inside a block of HTML is left alone unless the block says otherwise; GitHub needs no such word.
    body = converter.convert(text.replace("<details>", '<details markdown="1">'))
    body = IMAGE.sub(lambda found: inline_figure(found, figures), body)
    body = body.replace("<table>", '<div class="table" tabindex="0" role="region" aria-label="table"><table>')
    body = body.replace("</table>", "</table></div>")
    environment = jinja2.Environment(loader=jinja2.FileSystemLoader(TEMPLATES), undefined=jinja2.StrictUndefined,
                                     trim_blocks=True, lstrip_blocks=True, keep_trailing_newline=True)
    title, *_ = converter.toc_tokens
    return environment.get_template("report.html.j2").render(title=html.unescape(title["name"]),
                                                             contents=title["children"], body=body)


def inline_figure(found: re.Match, figures: Path) -> str:
    """As an image of its own: the ids inside two figures cannot clash, and nothing in a figure can run."""
    alt, name = found.groups()
    data = as_address((figures / f"{name}.svg").read_text())
    return (f'<figure id="figure-{name}"><a href="#zoom={name}" title="Enlarge">'
            f'<img alt="{alt}" src="data:image/svg+xml,{data}"></a></figure>')


def as_address(svg: str) -> str:
    """Text, not base64, and without what nobody sees: the page is a third smaller for it."""
    svg = re.sub(r"<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>|<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r' d="[^"]*"', lambda path: re.sub(r"(\.\d\d)\d+", r"\1", path[0]), svg)  # hundredths of a point
    svg = re.sub(r">\s+<", "><", re.sub(r"\s+", " ", svg)).strip()
    # Between double quotes an address may hold everything but these: of HTML " and &, of addresses % and #.
    return urllib.parse.quote(svg.replace('"', "'"), safe=" !$&'()*+,-./:;<=>?@[]_{|}~").replace("&", "&amp;")
