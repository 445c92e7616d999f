"""All settings: name, default, description. Read once from the flags and the HEADSCOPE_* variables."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BeforeValidator,
    DirectoryPath,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# Variables that only scripts read.
SCRIPT_VARIABLES = ("HEADSCOPE_CHROMIUM",)

MIN_KEY_LENGTH = 16

# Defaults of a shared server, where they differ.
SHARED_DEFAULTS = {
    "hub_models": (),
    "downloads": False,
    "max_body_bytes": 2**20,
    "max_characters": 50_000,
    "max_cells": 10_000_000,
    "max_json_cells": 1_000_000,
}
# Defaults that their value does not explain, of a local and of a shared server.
DEFAULTS_IN_WORDS = {
    "shared": ("True unless the host is a loopback address", "True unless the host is a loopback address"),
    "max_tokens": ("the limit of the model", "the limit of the model"),
    "allowed_hosts": ("localhost, 127.0.0.1, ::1", "any"),
    "hub_models": ("any", "none"),
    "local_models": ("all", "all"),
}


def known_device(name: str) -> str:
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?|mps", name):
        raise ValueError("must be cpu, cuda, cuda:1 (a number) or mps")
    return name


def valid_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]*", key.get_secret_value()):
        raise ValueError(
            "must consist of ASCII letters, digits and punctuation, without spaces: a header can contain nothing else"
        )
    if len(key) < MIN_KEY_LENGTH:
        raise ValueError(f"must have at least {MIN_KEY_LENGTH} characters: `openssl rand -hex 16` makes a key")
    return key


def names(given: Any) -> Any:
    """`a, b` -> ("a", "b")."""
    return tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(names)]


# What every library can work with: some refuse numbers of more than 64 bits.
Limit = Annotated[int, Field(ge=1, le=2**53)]


class Settings(BaseSettings):
    """The source of the environment variables, the command line flags and the table in the documentation."""

    model_config = SettingsConfigDict(env_prefix="HEADSCOPE_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    open: bool = Field(True, description="open the page in a browser once the server listens")
    model: str = Field("minilm", description="id of the model; on the command line also the path of a model's folder")
    models_dir: DirectoryPath | None = Field(
        None, description="folder that contains one folder per model; each is listed as local:NAME"
    )
    local_models: Names | None = Field(
        None, description="names of the folders in models_dir that are offered (`mine, other`)"
    )
    device: Annotated[str, AfterValidator(known_device)] = Field(
        "cpu", description="device that runs the models: cpu, cuda or mps"
    )
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="data type of the weights of models: bfloat16 takes half the memory and is less accurate",
    )
    max_tokens: Limit | None = Field(None, description="largest number of tokens per text")
    api_key: Annotated[SecretStr, AfterValidator(valid_key)] | None = Field(
        None, description="key that a shared server requires: `Authorization: Bearer KEY`"
    )
    shared: bool = Field(
        False,
        description="other people can reach the server: it requires a key, and limits what each client may do. "
        "Set it for a server on 127.0.0.1 behind a reverse proxy",
    )
    insecure: bool = Field(False, description="allow a shared server without a key")
    allowed_hosts: Names = Field(
        (),
        description="host names under which clients reach the server (`lab.example, 10.0.0.5`)",
    )
    requests_per_minute: Limit = Field(
        600, description="rate limit of a shared server: requests per minute and client address"
    )
    hub_models: Names | None = Field(
        None,
        description="models of the Hugging Face hub that clients may use (`gpt2, owner/name`)",
    )
    downloads: bool = Field(True, description="download models that are not yet in the cache of the hub")
    max_download_gb: float = Field(5, gt=0, description="largest download of a model, in gigabytes")
    max_model_bytes: Limit = Field(
        8 * 2**30, description="bytes of memory for models; the least recently used are dropped"
    )
    max_body_bytes: Limit = Field(8 * 2**20, description="largest request body, in bytes")
    max_characters: Limit = Field(200_000, description="largest number of characters per text")
    max_cells: Limit = Field(
        50_000_000, description="largest number of weights per binary answer, if it is not streamed"
    )
    max_json_cells: Limit = Field(4_000_000, description="largest number of weights per JSON answer")
    max_capture_bytes: Limit = Field(
        2**31,
        description="bytes of memory for captures and everything else that is held for requests: norms, answers, and "
        "the work space of analyses. The captures that were used least recently are dropped to stay below this limit",
    )
    max_captures: Limit = Field(
        1000, description="largest number of captures in memory; the least recently used are dropped"
    )
    max_written: Limit = Field(
        128, description="tokens that a model with an encoder and a decoder writes at most, if no target is given"
    )
    capture_dtype: Literal["float32", "float16"] = Field(
        "float32",
        description="data type of queries and keys in captures: float16 takes half the memory and is less accurate",
    )
    capture_seconds: Limit = Field(3600, description="seconds that a capture is kept")
    run_seconds: float = Field(
        600, gt=0, description="seconds that a run or an analysis may take, without the time in the queue"
    )
    load_seconds: float = Field(
        600, gt=0, description="seconds that reading the weights of a model may take, without its download"
    )
    max_waiting: Limit = Field(
        32,
        description="largest number of waiting requests for each kind of work: running a model, loading one, reading a "
        "capture, analysing it, streaming a dump. Further requests get 503",
    )
    socket_seconds: float = Field(
        20, ge=0.1, description="seconds that the server waits for a client that sends or reads too slowly"
    )
    connections_per_client: Limit = Field(
        256,
        description="largest number of open connections per client address; further ones get 503. Not counted: this "
        "machine, and the proxies in `FORWARDED_ALLOW_IPS`",
    )
    max_connections: Limit = Field(
        1024,
        description="largest number of open connections in all; fewer if the system does not let the server open "
        "enough files. Further ones get 503",
    )
    keep_alive_seconds: float = Field(
        15, ge=0.01, description="seconds without an event after which an event stream sends a comment line"
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "warning",
        description="critical, error, warning, info or debug; info logs each request, but no texts",
    )

    @model_validator(mode="before")
    @classmethod
    def apply_shared_defaults(cls, given: Any) -> Any:
        given = {"shared": not is_loopback(str(given.get("host", "127.0.0.1"))), **given}
        return {**SHARED_DEFAULTS, **given} if is_true(given["shared"]) else given

    @model_validator(mode="after")
    def require_key_if_shared(self) -> Self:
        if self.shared and self.api_key is None and not self.insecure:
            raise ValueError(
                "a server that other people can reach requires a key: set HEADSCOPE_API_KEY, "
                "or allow access without one (--insecure)"
            )
        return self

    @model_validator(mode="after")
    def require_shared_off_loopback(self) -> Self:
        if not self.shared and not is_loopback(self.host):
            raise ValueError(
                f"{self.host} can be reached from other machines, so the server is shared: leave out --no-shared "
                "(HEADSCOPE_SHARED), or listen on 127.0.0.1"
            )
        return self


def is_true(given: Any) -> bool:
    """Whether pydantic reads this value as true. False if it is not a bool: that is reported for its field."""
    try:
        return TypeAdapter(bool).validate_python(given)
    except ValidationError:
        return False


def default_in_words(name: str, shared: bool = False) -> str:
    """The default of a setting, for a local or a shared server, as `--help` and the documentation show it."""
    if name in DEFAULTS_IN_WORDS:
        return DEFAULTS_IN_WORDS[name][shared]
    default = Settings.model_fields[name].default
    default = SHARED_DEFAULTS.get(name, default) if shared else default
    return "none" if default is None or default == () else str(default)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A warning for each unknown HEADSCOPE_ variable: a misspelt limit would have no effect."""
    known = [f"HEADSCOPE_{name.upper()}" for name in Settings.model_fields]
    unknown = sorted(
        name for name in environment if name.startswith("HEADSCOPE_") and name not in (*known, *SCRIPT_VARIABLES)
    )
    return [f"{name} is not a setting; did you mean {nearest(name, known)}?" for name in unknown]


def nearest(name: str, known: Sequence[str]) -> str:
    return " or ".join(get_close_matches(name, known, 2)) or "one of those in docs/settings.md"


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
