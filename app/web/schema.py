"""The OpenAPI schema: its description, errors as problem+json, and the key of a shared server."""

from functools import cache
from threading import Lock
from typing import Any

import orjson
from fastapi import FastAPI, Response

from ..settings import Settings
from .open_paths import is_open
from .problems import MAX_ERRORS, MEDIA_TYPE
from .requests import body_models

DESCRIPTION = """\
Headscope shows what every attention head of a pretrained transformer does with a text. The file docs/api.md of its
repository has an example for every endpoint, in curl and Python. [The glossary](/docs/glossary) explains the terms, and
[scores and roles](/docs/heads) has the formulas.

- A **capture** is a text that has run through a model. The server keeps its queries and keys, and computes all results
  from them.
- A **dump** is an export of the weights of all or some heads in full.
- `quantity=pattern` is the weights, after the softmax. `quantity=scores` is the raw scores, before mask and softmax.
  `quantity=norm` is what the page calls the *effect*: the length of the weighted value.
- Layers, heads and tokens are numbered from 0.
"""
SCHEME = "key"
PROBLEM = {
    "title": "Problem",
    "description": "RFC 9457. `code` is stable; `detail` names the value, the limit and what to do",
    "type": "object",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "errors": {"type": "array", "items": {"type": "object"}, "maxItems": MAX_ERRORS},
    },
}
ERROR_RESPONSE = {
    "description": "An error; `code` says which",
    "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
}


def with_problems(schema: dict[str, Any]) -> dict[str, Any]:
    """Replaces FastAPI's error responses with ours."""
    schemas = schema.setdefault("components", {}).setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    for operations in schema["paths"].values():
        for operation in operations.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = ERROR_RESPONSE
    return schema


def with_body_limits(schema: dict[str, Any], settings: Settings) -> dict[str, Any]:
    """Adds how many bytes each request body may have."""
    limits = {model.__name__: model.limit(settings).bytes for model in body_models()}
    for operations in schema["paths"].values():
        for operation in operations.values():
            if body := operation.get("requestBody"):
                name = body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                body["description"] = f"At most {limits[name]:,} bytes."
    return schema


def with_key(schema: dict[str, Any]) -> dict[str, Any]:
    """Adds the key: /docs then has a button to enter it."""
    description = "The key of this server (HEADSCOPE_API_KEY)"
    scheme = {"type": "http", "scheme": "bearer", "description": description}
    schema["components"]["securitySchemes"] = {SCHEME: scheme}
    for path, operations in schema["paths"].items():
        for operation in operations.values():
            operation["security"] = [] if is_open(path) else [{SCHEME: []}]
    return schema


def install(app: FastAPI, settings: Settings) -> None:
    """Make /openapi.json describe what this server does with these settings."""
    openapi, lock = app.openapi, Lock()

    @cache
    def described() -> dict[str, Any]:
        schema = with_body_limits(with_problems(openapi()), settings)
        return schema if settings.api_key is None else with_key(schema)

    @cache
    def as_json() -> bytes:
        return orjson.dumps(described())

    # A plain function runs in a thread: the first schema takes longer than the event loop may be stopped.
    @app.get("/openapi.json", include_in_schema=False)
    def schema() -> Response:
        with lock:
            return Response(as_json(), media_type="application/json")

    app.description = DESCRIPTION
    app.openapi = described  # type: ignore[method-assign]
