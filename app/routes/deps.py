"""What every route shares: the runner, strict bodies, and an array answer in the format asked for."""

import hashlib
import json
from collections import Counter
from typing import Annotated, Any

from fastapi import Depends, Header, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, ConfigDict, model_validator
from starlette.exceptions import HTTPException

from ..encoding import MEDIA_TYPES, Answer, encode, format_of
from ..errors import InvalidWindow, NotAcceptable
from ..records import Format
from ..runner import Runner
from ..settings import Settings


def runner_of(request: Request) -> Runner:
    runner: Runner = request.app.state.runner
    return runner


def settings_of(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def wanted_format(
    accept: Annotated[str | None, Header()] = None,
    format: Annotated[str | None, Query(description="json, npy, npz or safetensors; goes before Accept")] = None,  # noqa: A002 - the wire's name
) -> Format:
    return format_of(accept, format)


def only_json(accept: Annotated[str | None, Header()] = None) -> None:
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

# As many as any parameter of this API could use, and more than a 64-bit integer has.
LONGEST_INTEGER = 30


class StrictModel(BaseModel):
    """A body in which a bool is no number, and an unknown field an error."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def no_unknown_field(cls, given: Any) -> Any:
        """The names that there are, said with the one that there is not."""
        unknown = [name for name in given if name not in cls.model_fields] if isinstance(given, dict) else []
        if unknown:
            name = unknown[0][:40].encode("ascii", "backslashreplace").decode()
            raise ValueError(f"unknown field {name!r}: this takes {', '.join(cls.model_fields)}")
        return given


class RefusedRequest(HTTPException):
    """A body that is no JSON (400, 415), or a body or query that no two readers would read alike (422)."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(status, detail)
        self.code, self.title = code, code.replace("_", " ").capitalize().replace("json", "JSON")


class StrictRequest(Request):
    async def json(self) -> Any:
        """The body, parsed so that nothing in it is guessed. Raises RefusedRequest."""
        try:
            parsed = json.loads(
                await self.body(), object_pairs_hook=unique, parse_constant=no_constant, parse_int=short_integer
            )
            json.dumps(parsed, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            detail = "a string holds half a surrogate pair, which is no character: send whole ones"
            raise RefusedRequest(422, "invalid_input", detail) from error
        except (ValueError, RecursionError) as error:
            raise RefusedRequest(400, "invalid_json", f"the body is not JSON: {why_unreadable(error)}") from error
        return parsed


def why_unreadable(error: Exception) -> str:
    """Python speaks of its own limits; the sender needs to hear of the body."""
    if isinstance(error, RecursionError):
        return "it is nested deeper than any request of this API"
    if isinstance(error, UnicodeDecodeError):
        return f"byte {error.start} is not UTF-8"
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno}, column {error.colno}"
    return str(error)[:200]


def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names are all different: of two, readers differ on which counts."""
    parsed = dict(pairs)
    if len(parsed) < len(pairs):
        raise RefusedRequest(422, "invalid_input", "an object names a field twice: name each once")
    return parsed


def no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON number")


def short_integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise ValueError(f"a number has {len(digits):,} digits, {LONGEST_INTEGER} are read")
    return int(digits)


class StrictRoute(APIRoute):
    """A route that overlooks nothing: not the type of its body, nor a query parameter it does not have."""

    def get_route_handler(self) -> Any:
        handler = super().get_route_handler()
        known = query_names(self.dependant)

        async def strictly(request: Request) -> Response:
            check_query(request, known)
            media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
            if request.method == "POST" and media_type != "application/json":
                detail = "this body is read as JSON: send it with Content-Type: application/json"
                raise RefusedRequest(415, "unsupported_media_type", detail)
            return await handler(StrictRequest(request.scope, request.receive))

        return strictly


def query_names(dependant: Dependant) -> list[str]:
    """The query parameters of a route and of all that it depends on."""
    deeper = [name for part in dependant.dependencies for name in query_names(part)]
    return [str(field.alias) for field in dependant.query_params] + deeper


def check_query(request: Request, known: list[str]) -> None:
    """Raises RefusedRequest: a misspelt `colums=0:5` would be answered with the whole map."""
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            takes = "it takes " + ", ".join(known) if known else "it takes none"
            raise RefusedRequest(422, "invalid_input", f"query parameter {name[:40]!r} is unknown here: {takes}")
        if count > 1:
            raise RefusedRequest(422, "invalid_input", f"query parameter {name} is given {count} times: give it once")


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
