"""What every route shares: the runner, the settings, and an array answer in the format asked for."""

import hashlib
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response

from ..encoding import MEDIA_TYPES, Answer, encode, format_of
from ..errors import InvalidWindow, NotAcceptable
from ..records import Format
from ..runner import Runner
from ..settings import Settings

# What `span` and `format_of` check, for the schema: their own words on what is wrong are better than its.
SPAN: dict[str, Any] = {"json_schema_extra": {"pattern": "^[0-9]{1,9}:[0-9]{1,9}$"}}
FORMATS: dict[str, Any] = {"json_schema_extra": {"enum": [*MEDIA_TYPES, None]}}
# What an array answer can be besides JSON, for the schema.
ARRAYS: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in list(MEDIA_TYPES.values())[1:]
        }
    }
}
TRUNCATE = "cut a text that is too long, and say by how much, where it would be refused otherwise"


def runner_of(request: Request) -> Runner:
    runner: Runner = request.app.state.runner
    return runner


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


# The schema says by its media types what can be accepted; a parameter of this name is one it forbids.
Accept = Annotated[str | None, Header(include_in_schema=False)]


def wanted_format(
    accept: Accept = None,
    format: Annotated[str | None, Query(description="goes before Accept", **FORMATS)] = None,  # noqa: A002 - the wire's name
) -> Format:
    return format_of(accept, format)


def only_json(accept: Accept = None) -> None:
    """Raises NotAcceptable where the client takes no JSON: silence about an event stream would look like one."""
    try:
        served = format_of(accept, None) == "json"
    except NotAcceptable:
        served = False
    if not served:
        raise NotAcceptable("this is served as application/json alone")


TheRunner = Annotated[Runner, Depends(runner_of)]
TheSettings = Annotated[Settings, Depends(settings_of)]
Wanted = Annotated[Format, Depends(wanted_format)]


def span(name: str, text: str | None) -> tuple[int, int] | None:
    """`a:b` -> (a, b). Raises InvalidWindow."""
    if text is None:
        return None
    start, colon, stop = text.partition(":")
    if not (colon and start.isdecimal() and stop.isdecimal() and len(text) < 20):
        raise InvalidWindow(f"{name}={text[:40]!r}: write a:b, from a up to but not including b")
    return int(start), int(stop)


async def respond(runner: Runner, answer: Answer, wanted: Format, decimals: int | None = None) -> Response:
    encoded = await runner.read(encode, answer, wanted, decimals)
    return Response(encoded.body, 200, {"Vary": "Accept", **encoded.headers}, encoded.media_type)


def tag(request: Request, capture_id: str, wanted: Format) -> dict[str, str]:
    """A capture never changes, so its address and format tell one answer from every other."""
    address = f"{capture_id} {request.url.path}?{request.url.query} {wanted}"
    etag = hashlib.sha256(address.encode()).hexdigest()[:32]
    return {"ETag": f'"{etag}"', "Cache-Control": "private, max-age=3600", "Vary": "Accept"}


def unchanged(request: Request, headers: dict[str, str]) -> Response | None:
    """304, if the client holds this very answer already."""
    held = request.headers.get("if-none-match", "")
    return Response(status_code=304, headers=headers) if headers["ETag"] in held else None
