"""Named arrays and the facts about them -> JSON, npy, npz or safetensors."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from safetensors.numpy import save as save_safetensors

from .errors import NotAcceptable, TooLarge
from .records import Format

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
class Answer:
    """What a route has to say: `arrays[main]` is the one that a single-array format carries."""

    facts: dict[str, Any]
    arrays: dict[str, np.ndarray]
    main: str


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
    cells: int, wanted: Format, most: int, most_json: int, way_out: str = "name fewer layers or heads"
) -> None:
    """Refuse, before any work, an answer that would not fit. Raises TooLarge."""
    if wanted == "json" and cells > most_json:
        raise TooLarge(
            f"{cells:,} weights do not fit a JSON answer of {most_json:,}: {way_out}, or take application/x-npz"
        )
    if cells > most:
        raise TooLarge(f"{cells:,} weights do not fit an answer of {most:,}: {way_out}")


def encode(answer: Answer, wanted: Format, decimals: int | None = None) -> Encoded:
    """The answer in the format; `decimals` rounds what JSON says of floats."""
    headers = {"X-Headscope": json.dumps({k: v for k, v in answer.facts.items() if k not in NOT_IN_HEADER})}
    body = {"json": to_json, "npy": to_npy, "npz": to_npz, "safetensors": to_safetensors}[wanted](answer, decimals)
    return Encoded(body, MEDIA_TYPES[wanted], headers if wanted == "npy" else {})


def to_json(answer: Answer, decimals: int | None) -> bytes:
    arrays = answer.arrays
    if decimals is not None:
        # In float64: in float32, a score of 100 has no sixth decimal to round to.
        arrays = {
            name: x.astype(np.float64).round(decimals) if x.dtype.kind == "f" else x for name, x in arrays.items()
        }
    return orjson.dumps({**answer.facts, **arrays}, option=orjson.OPT_SERIALIZE_NUMPY)


def to_npy(answer: Answer, _: int | None) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.ascontiguousarray(answer.arrays[answer.main]), allow_pickle=False)
    return buffer.getvalue()


def to_npz(answer: Answer, _: int | None) -> bytes:
    """Every array by name, and `metadata`: the facts as one JSON string."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, metadata=np.array(json.dumps(answer.facts)), **answer.arrays)
    return buffer.getvalue()


def to_safetensors(answer: Answer, _: int | None) -> bytes:
    """Every array by name; each fact as JSON in the metadata."""
    facts = {name: json.dumps(fact) for name, fact in answer.facts.items()}
    arrays = {name: np.ascontiguousarray(x) for name, x in answer.arrays.items()}
    saved: bytes = save_safetensors(arrays, metadata=facts)
    return saved
