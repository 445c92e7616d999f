"""Strict reading of requests: media types, the fields of bodies, and query parameters are never guessed."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..errors import InvalidInput, InvalidWindow
from ..records import Pool, Prompt
from ..settings import Settings
from .bodies import BodyLimit, RefusedRequest, Upload, limit_of_texts, read_json, small_limit


def plain_digits(given: Any) -> Any:
    """Refuses what Python also reads as a number: `3_0`, `+3`, and the digits of other scripts."""
    if isinstance(given, str) and not re.fullmatch("-?[0-9]{1,9}", given):
        raise ValueError("must be a whole number of at most nine digits")
    return given


# An integer in a path or a query.
Index = Annotated[int, BeforeValidator(plain_digits)]

# Parameters that several endpoints share.
CaptureId = Annotated[str, Path(description="the id of a capture, as POST /api/v1/captures returns it")]
LayerIndex = Annotated[Index, Path(description="number of a layer, from 0")]
HeadIndex = Annotated[Index, Path(description="number of a head in its layer, from 0")]
StackQuery = Annotated[
    str | None,
    Query(description="for models with an encoder and a decoder: encoder, decoder or cross; by default, the first"),
]
PoolQuery = Annotated[
    Pool, Query(description="what a cell that covers several weights contains: the largest, or the mean")
]

# What `quantity` chooses.
PATTERN_OR_SCORES = "pattern: the weights, after the softmax; scores: the raw scores, before mask and softmax"

# The query parameters that `parse_numbers` and `parse_span` read, for the schema.
NUMBERS: dict[str, Any] = {"json_schema_extra": {"pattern": "^[0-9]{1,9}(,[0-9]{1,9})*$"}}
SPAN: dict[str, Any] = {"json_schema_extra": {"pattern": "^([0-9]{1,9}):([0-9]{1,9})$"}}


def check_unique(numbers: list[int]) -> list[int]:
    if len(set(numbers)) < len(numbers):
        raise ValueError("name each number once")
    return numbers


def parse_numbers(name: str, text: str | None) -> list[int] | None:
    """`0,5` -> [0, 5]. Raises InvalidInput."""
    if text is None:
        return None
    try:
        return check_unique([int(plain_digits(part)) for part in text.split(",")])
    except ValueError as error:
        raise InvalidInput(f"{name}={text[:40]!r}: {error}; write 0,5 or leave it out for all") from None


def parse_span(name: str, text: str | None) -> tuple[int, int] | None:
    """`a:b` -> (a, b). Raises InvalidWindow."""
    if text is None:
        return None
    parts = re.fullmatch(SPAN["json_schema_extra"]["pattern"], text)
    if parts is None:
        raise InvalidWindow(f"{name}={text[:40]!r}: write a:b, from a up to but not including b")
    return int(parts[1]), int(parts[2])


# The pattern is for the schema only; the check in the engine has a better error message.
NotBlank = Annotated[str, Field(json_schema_extra={"pattern": r"\S"})]


class StrictModel(BaseModel):
    """A request body: a bool is not a number, and an unknown field is an error."""

    model_config = ConfigDict(strict=True, extra="forbid")

    @model_validator(mode="before")
    @classmethod
    def no_unknown_field(cls, given: Any) -> Any:
        """Names the unknown field and all known ones."""
        unknown = [name for name in given if name not in cls.model_fields] if isinstance(given, dict) else []
        if unknown:
            name = unknown[0][:40].encode("ascii", "backslashreplace").decode()
            raise ValueError(f"unknown field {name!r}: this takes {', '.join(cls.model_fields)}")
        return given

    @classmethod
    def limit(cls, settings: Settings) -> BodyLimit:
        """How large a request body of this kind can be."""
        return small_limit(settings)


def body_models(above: type[StrictModel] = StrictModel) -> list[type[StrictModel]]:
    """The classes of all request bodies."""
    return [model for child in above.__subclasses__() for model in (child, *body_models(child))]


class PromptBody(StrictModel):
    """The fields of a prompt."""

    text: NotBlank = Field(description="the text to run")
    text_pair: str | None = Field(None, description="a second text, for models that read two")
    model: str | None = Field(None, description="the id of a model; by default, the default model of the server")
    target: str | None = Field(
        None, description="for models with an encoder and a decoder: the text of the decoder; null: the model writes it"
    )
    truncate: bool = Field(
        False,
        description="cut off the end of a text that is too long, instead of refusing it; see `tokens_dropped`",
    )

    @classmethod
    def limit(cls, settings: Settings) -> BodyLimit:
        return limit_of_texts(3, settings)

    @property
    def prompt(self) -> Prompt:
        return Prompt(self.text, self.text_pair, self.model, self.truncate, self.target)


class StrictRoute(APIRoute):
    """Refuses a body that is not JSON, and query parameters that are unknown or given twice."""

    def get_route_handler(self) -> Any:
        handler = super().get_route_handler()
        known = query_names(self.dependant)
        body_model = body_model_of(self)

        async def strict_handler(request: Request) -> Response:
            check_query(request, known)
            if body_model is None:
                return await handler(request)
            check_media_type(request)
            limit = body_model.limit(request.app.state.settings)
            with Upload(request.app.state.runner.ledger) as upload:
                return await handler(await read_json(request.scope, request.receive, limit, upload))

        return strict_handler


def body_model_of(route: APIRoute) -> type[StrictModel] | None:
    """The class of its request body. None if it takes none."""
    if route.body_field is None:
        return None
    body_model = route.body_field.field_info.annotation
    assert isinstance(body_model, type)
    assert issubclass(body_model, StrictModel)
    return body_model


def route_to(endpoint: Callable[..., Any], router: APIRouter) -> APIRoute:
    return next(route for route in router.routes if isinstance(route, APIRoute) and route.endpoint is endpoint)


def check_media_type(request: Request) -> None:
    """Raises RefusedRequest."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        detail = "the body must be JSON: send it with Content-Type: application/json"
        raise RefusedRequest(415, "unsupported_media_type", detail)


def query_names(dependant: Dependant) -> list[str]:
    """The query parameters of a route and of its dependencies."""
    deeper = [name for part in dependant.dependencies for name in query_names(part)]
    return [str(field.alias) for field in dependant.query_params] + deeper


def check_query(request: Request, known: list[str]) -> None:
    """Raises RefusedRequest. Without it, a misspelt `colums=0:5` would be answered with the whole pattern."""
    for name, count in Counter(name for name, _ in request.query_params.multi_items()).items():
        if name not in known:
            takes = "it takes " + ", ".join(known) if known else "it takes none"
            raise RefusedRequest(422, "invalid_input", f"query parameter {name[:40]!r} is unknown here: {takes}")
        if count > 1:
            raise RefusedRequest(422, "invalid_input", f"query parameter {name} is given {count} times: give it once")
