"""Dependencies of the routes: the runner, the settings, and the format of the response."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Header, Query, Request

from ..engine.runner import Runner
from ..errors import NotAcceptable
from ..export.negotiation import MEDIA_TYPES, format_of
from ..records import Format
from ..settings import Settings

Made = TypeVar("Made")

# For the schema only: `format_of` checks the value, and its error messages are better than pydantic's.
FORMATS: dict[str, Any] = {"json_schema_extra": {"enum": [*MEDIA_TYPES, None]}}

# OpenAPI forbids a parameter of this name; the media types of the responses say what can be accepted.
Accept = Annotated[str | None, Header(include_in_schema=False)]
FormatQuery = Annotated[
    str | None, Query(description="the format of the answer; takes precedence over the header Accept", **FORMATS)
]


def on_loop(make: Callable[..., Made]) -> Callable[..., Awaitable[Made]]:
    """For `Depends`: the same dependency on the event loop.

    FastAPI would run each plain function and class in a thread of its own pool, which costs more than reading a few
    parameters, and waits while that pool is full.
    """

    async def made(**parameters: Any) -> Made:
        return make(**parameters)

    made.__signature__ = inspect.signature(make)  # type: ignore[attr-defined]
    return made


async def runner_of(request: Request) -> Runner:
    runner: Runner = request.app.state.runner
    return runner


async def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def requested_format(accept: Accept = None, format: FormatQuery = None) -> Format:  # noqa: A002 - the query parameter
    return format_of(accept, format)


def only_json(accept: Accept = None) -> None:
    """Raises NotAcceptable if the client does not accept JSON, for example only an event stream."""
    try:
        accepted = format_of(accept, None) == "json"
    except NotAcceptable:
        accepted = False
    if not accepted:
        raise NotAcceptable("this is served as application/json only")


RunnerDep = Annotated[Runner, Depends(runner_of)]
SettingsDep = Annotated[Settings, Depends(settings_of)]
FormatDep = Annotated[Format, Depends(requested_format)]
