"""Requests read so that nothing in them is guessed: bodies, media types and query parameters."""

import json
import re
from collections import Counter
from typing import Annotated, Any

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from starlette.exceptions import HTTPException

from ..errors import InvalidInput

# As many as any parameter of this API could use, and more than a 64-bit integer has.
LONGEST_INTEGER = 30


def plain_digits(given: Any) -> Any:
    """Python reads `3_0`, `+3` and digits of every script as numbers."""
    if isinstance(given, str) and not re.fullmatch("-?[0-9]{1,9}", given):
        raise ValueError("a whole number is wanted, of at most nine digits")
    return given


# A number in an address.
Index = Annotated[int, BeforeValidator(plain_digits)]

# What `numbers` reads, for the schema.
NUMBERS: dict[str, Any] = {"json_schema_extra": {"pattern": "^[0-9]{1,9}(,[0-9]{1,9})*$"}}


def each_once(named: list[int]) -> list[int]:
    if len(set(named)) < len(named):
        raise ValueError("name each number once")
    return named


def numbers(name: str, text: str | None) -> list[int] | None:
    """`0,5` in an address -> [0, 5]. Raises InvalidInput."""
    if text is None:
        return None
    try:
        return each_once([int(plain_digits(part)) for part in text.split(",")])
    except ValueError as error:
        raise InvalidInput(f"{name}={text[:40]!r}: {error}; write 0,5 or leave it out for all") from None


# For the schema; who sends an empty text is told so in the words of who tokenizes.
Text = Annotated[str, Field(json_schema_extra={"pattern": r"\S"})]


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
