"""Content negotiation: the format of a response, its limits, and its headers."""

import json
from dataclasses import dataclass

from ..errors import NotAcceptable, TooLarge
from ..records import Format
from .formats import Answer, serialize

MEDIA_TYPES: dict[Format, str] = {
    "json": "application/json",
    "npy": "application/x-npy",
    "npz": "application/x-npz",
    "safetensors": "application/x-safetensors",
}
WILDCARDS = {"*/*", "application/*"}
# Facts too long for a header: proxies have buffers of 4 kB. A client that asks for npy gets them from the capture, or
# as json or npz.
NOT_IN_HEADER = {"tokens", "target", "target_tokens", "model", "certificate", "collapse", "of"}
MAX_FACT, MAX_FACTS = 500, 3000  # characters


@dataclass(frozen=True)
class Encoded:
    body: bytes
    media_type: str
    headers: dict[str, str]


def format_of(accept: str | None, name: str | None) -> Format:
    """`?format=` if given, else the best type of the Accept header. Raises NotAcceptable."""
    if name is not None:
        for known in MEDIA_TYPES:
            if known == name:
                return known
        raise NotAcceptable(f"format={name[:40]!r} is not served here: choose one of {', '.join(MEDIA_TYPES)}")
    for accepted in by_preference(accept or "*/*"):
        if accepted in WILDCARDS:
            return "json"
        for known, media_type in MEDIA_TYPES.items():
            if media_type == accepted:
                return known
    raise NotAcceptable(f"none of the accepted types is served here: take {', '.join(MEDIA_TYPES.values())}")


def by_preference(accept: str) -> list[str]:
    """The media types of an Accept header, best first, without those of quality 0 (RFC 9110, 12.5.1)."""
    offers = []
    for part in accept.split(","):
        media_type, *parameters = (field.strip().lower() for field in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            offers.append((float(quality), media_type))
        except ValueError:
            offers.append((0.0, media_type))
    return [media_type for quality, media_type in sorted(offers, key=lambda o: -o[0]) if quality > 0]


def check_cells(
    cells: int,
    format_: Format,
    max_cells: int | None,
    max_json_cells: int,
    way_out: str = "name fewer layers or heads",
) -> None:
    """Refuses an answer that is too large, before any work; None is no limit. Raises TooLarge."""
    if format_ == "json" and cells > max_json_cells:
        raise TooLarge(
            f"{cells:,} weights do not fit a JSON answer of {max_json_cells:,}: {way_out}, or take application/x-npz"
        )
    if max_cells is not None and cells > max_cells:
        raise TooLarge(f"{cells:,} weights do not fit an answer of {max_cells:,}: {way_out}")


def encode(answer: Answer, format_: Format) -> Encoded:
    """The whole answer."""
    return Encoded(b"".join(serialize(answer, format_)), MEDIA_TYPES[format_], headers_of(answer, format_))


def headers_of(answer: Answer, format_: Format) -> dict[str, str]:
    """npy has no place for metadata: its facts are in a header."""
    if format_ != "npy":
        return {}
    facts = {name: value for name, value in answer.facts.items() if name not in NOT_IN_HEADER}
    short = {name: value for name, value in facts.items() if len(json.dumps(value)) <= MAX_FACT}
    while len(header := json.dumps(short)) > MAX_FACTS:
        short.popitem()
    return {"X-Headscope": header}
