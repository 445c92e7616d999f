"""In which format an answer is wanted, whether it fits, and the whole of it in that format."""

import json
from dataclasses import dataclass

from ..errors import NotAcceptable, TooLarge
from ..records import Format
from .formats import Answer, pieces

MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "npy": "application/x-npy",
    "npz": "application/x-npz",
    "safetensors": "application/x-safetensors",
}
ANYTHING = {"*/*", "application/*"}
# Facts too long for a header line; whoever takes the bare array fetches them from the capture.
NOT_IN_HEADER = {"tokens", "model", "certificate"}


@dataclass(frozen=True)
class Encoded:
    body: bytes
    media_type: str
    headers: dict[str, str]


def format_of(accept: str | None, name: str | None) -> Format:
    """`?format=` where given, else the best of the Accept header. Raises NotAcceptable."""
    if name is not None:
        for known in MEDIA_TYPES:
            if known == name:
                return known
        raise NotAcceptable(f"format={name[:40]!r} is not served here: take {', '.join(MEDIA_TYPES)}")
    for wanted in by_preference(accept or "*/*"):
        if wanted in ANYTHING:
            return "json"
        for known, media_type in MEDIA_TYPES.items():
            if media_type == wanted:
                return known
    raise NotAcceptable(f"none of the types asked for is served here: take {', '.join(MEDIA_TYPES.values())}")


def by_preference(accept: str) -> list[str]:
    """The media types of an Accept header, best first, those of quality 0 left out (RFC 9110, 12.5.1)."""
    offers = []
    for part in accept.split(","):
        media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            offers.append((float(quality), media_type))
        except ValueError:
            offers.append((0.0, media_type))
    return [media_type for quality, media_type in sorted(offers, key=lambda o: -o[0]) if quality > 0]


def check_cells(
    cells: int, wanted: Format, most: int | None, most_json: int, way_out: str = "name fewer layers or heads"
) -> None:
    """Refuse, before any work, an answer that would not fit; None is no limit. Raises TooLarge."""
    if wanted == "json" and cells > most_json:
        raise TooLarge(
            f"{cells:,} weights do not fit a JSON answer of {most_json:,}: {way_out}, or take application/x-npz"
        )
    if most is not None and cells > most:
        raise TooLarge(f"{cells:,} weights do not fit an answer of {most:,}: {way_out}")


def encode(answer: Answer, wanted: Format) -> Encoded:
    """The answer in the format, whole."""
    return Encoded(b"".join(pieces(answer, wanted)), MEDIA_TYPES[wanted], headers_of(answer, wanted))


def headers_of(answer: Answer, wanted: Format) -> dict[str, str]:
    """What a format says of an answer that has no room for it in itself."""
    if wanted != "npy":
        return {}
    return {"X-Headscope": json.dumps({k: v for k, v in answer.facts.items() if k not in NOT_IN_HEADER})}
