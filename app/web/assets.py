"""The files of the page, compressed once, without comments and indentation."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import brotli

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


@dataclass(frozen=True)
class Asset:
    """A file of the page. `etag` is that of the content, compressed or not."""

    body: bytes

    @cached_property
    def etag(self) -> str:
        return f'"{hashlib.sha256(self.body).hexdigest()[:16]}"'

    @cached_property
    def brotli(self) -> bytes:
        compressed: bytes = brotli.compress(self.body, quality=11 if len(self.body) <= SMALL_BYTES else 9)
        return compressed

    @cached_property
    def gzip(self) -> bytes:
        return gzip.compress(self.body, 6, mtime=0)

    def encoded(self, accepted: str) -> tuple[bytes, dict[str, str]]:
        """The body for a client with this Accept-Encoding header, and its headers. Each form is made once."""
        encodings = by_preference(accepted)
        headers = {"Vary": "Accept-Encoding"}  # the middleware that compresses answers adds it to a plain body
        if "br" in encodings:
            return self.brotli, {"Content-Encoding": "br", **headers}
        if "gzip" in encodings:
            return self.gzip, {"Content-Encoding": "gzip", **headers}
        return self.body, {}


@lru_cache(maxsize=256)
def asset(path: Path, modified: int) -> Asset:  # noqa: ARG001 - part of the cache key
    """The file as of its modification time (nanoseconds), without what a browser ignores."""
    body = path.read_bytes()
    ignored = IGNORED.get(path.suffix)
    return Asset(ignored.sub(b"", body) if ignored else body)
