"""What the page is made of, as it is sent: compressed once, and scripts without what only people read."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

# Comments that have lines to themselves, with these lines. Nothing within a line is touched: to tell a comment from a
# string, a pattern or a template would take a parser.
COMMENTS = re.compile(rb"^[ \t]*(?://.*|/\*\*(?s:.*?)\*/[ \t]*)\n", re.MULTILINE)


@dataclass(frozen=True)
class Asset:
    """A file of the page; `etag` is that of its content, however it is sent."""

    body: bytes
    compressed: bytes
    etag: str

    def encoded(self, accepted: str) -> tuple[bytes, dict[str, str]]:
        """The body, and its headers, for who accepts these encodings; to what is not compressed others add `Vary`."""
        if "gzip" in accepted:
            return self.compressed, {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
        return self.body, {}


def asset_of(body: bytes) -> Asset:
    return Asset(body, gzip.compress(body, 6, mtime=0), f'"{hashlib.sha256(body).hexdigest()[:16]}"')


@lru_cache(maxsize=256)
def asset(path: Path, modified: int) -> Asset:  # noqa: ARG001 - a file that has changed is another
    """A file as it was at that time (nanoseconds); a script without its comments."""
    body = path.read_bytes()
    return asset_of(COMMENTS.sub(b"", body) if path.suffix == ".js" else body)
