"""The files of the page, compressed once, without comments and indentation."""

import gzip
import hashlib
import re
from pathlib import Path
from threading import Condition, Lock

import brotli
from cachetools import LRUCache, cached

from ..export.negotiation import by_preference

# What a browser ignores. In scripts: indentation, empty lines, and comments that fill whole lines. Comments inside a
# line stay: telling them from strings, regular expressions and templates would need a parser. No template of the page
# spans several lines (a test checks it), so that indentation is never text. In style sheets: indentation and all
# comments.
IGNORED = {
    ".js": re.compile(rb"^[ \t]*(?://.*|/\*\*(?s:(?:(?!\*/).)*)\*/[ \t]*)\n|^[ \t]+|^\n", re.MULTILINE),
    ".css": re.compile(rb"/\*(?s:.*?)\*/\n?|^[ \t]+|^\n", re.MULTILINE),
}

# Quality 11 takes 0.2 s for all scripts and style sheets, but many seconds for plotly.js.
SMALL_BYTES = 2**18


def to_brotli(body: bytes) -> bytes:
    compressed: bytes = brotli.compress(body, quality=11 if len(body) <= SMALL_BYTES else 9)
    return compressed


def to_gzip(body: bytes) -> bytes:
    return gzip.compress(body, 6, mtime=0)


COMPRESS = {"br": to_brotli, "gzip": to_gzip}


class Asset:
    """A file of the page. `etag` is that of the content, compressed or not."""

    def __init__(self, body: bytes) -> None:
        self.body = body
        self.etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        self.lock, self.forms = Lock(), dict[str, bytes]()

    def encoded(self, accepted: str) -> tuple[bytes, dict[str, str]]:
        """The body for a client with this Accept-Encoding header, and its headers."""
        encodings = by_preference(accepted)
        headers = {"Vary": "Accept-Encoding"}  # the middleware that compresses answers adds it to a plain body
        encoding = next((name for name in COMPRESS if name in encodings), None)
        if encoding is None:
            return self.body, {}
        return self.form(encoding), {"Content-Encoding": encoding, **headers}

    def form(self, encoding: str) -> bytes:
        """The compressed body, made once: plotly.js takes a second, and a whole class may open the page at once."""
        with self.lock:
            if encoding not in self.forms:
                self.forms[encoding] = COMPRESS[encoding](self.body)
            return self.forms[encoding]


@cached(LRUCache(256), condition=Condition())
def asset(path: Path, modified: int) -> Asset:  # noqa: ARG001 - part of the cache key
    """The file as of its modification time (nanoseconds), without what a browser ignores."""
    body = path.read_bytes()
    ignored = IGNORED.get(path.suffix)
    return Asset(ignored.sub(b"", body) if ignored else body)
