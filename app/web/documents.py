"""Markdown documents of `docs/` that the server also shows as HTML, at /docs/glossary and /docs/heads."""

import re
from functools import cache
from itertools import pairwise
from pathlib import Path

# A link from one document to another: `heads.md#scores` becomes `heads#scores`, an address below /docs/.
LINK = re.compile(r"^(\w+)\.md(?=#|$)")

NAMES = ("glossary", "heads")


def anchor(heading: str) -> str:
    """The anchor that GitHub gives a heading: `Special tokens` -> `special-tokens`."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@cache
def html_of(path: Path) -> str:
    """The document as HTML, with an anchor for each heading."""
    from markdown_it import MarkdownIt

    parser = MarkdownIt().enable("table")
    tokens = parser.parse(path.read_text(encoding="utf-8"))
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            token.attrSet("id", anchor(following.content))
        for part in token.children or ():
            if part.type == "link_open":
                part.attrSet("href", LINK.sub(r"\1", str(part.attrGet("href"))))
    return str(parser.renderer.render(tokens, parser.options, {}))
