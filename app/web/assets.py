"""The files of the page, compressed once; comment lines are removed from scripts."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Comments that fill whole lines, with these lines. Comments inside a line stay: telling them from strings, regular
# expressions and templates would need a parser.
COMMENTS = re.compile(rb"^[ \t]*(?://.*|/\*\*(?s:(?:(?!\*/).)*)\*/[ \t]*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Asset:
    """A file of the page. `etag` is that of the content, compressed or not."""

    body: bytes
    compressed: bytes
    etag: str

    def encoded(self, accepted: str) -> tuple[bytes, dict[str, str]]:
        """The body for a client that accepts these encodings, and its headers."""
        if "gzip" in accepted:
            return self.compressed, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return self.body, {}


def asset_of(body: bytes) -> Asset:
    return Asset(body, gzip.compress(body, 6, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:16]}"')


@lru_cache(maxsize=256)
def asset(path: Path, modified: int) -> Asset:  # noqa: ARG001 - part of the cache key
    """The file as of its modification time (nanoseconds); a script without comment lines."""
    body = path.read_bytes()
    return asset_of(COMMENTS.sub(b"", body) if path.suffix == ".js" else body)
