"""Every knob: name, default, one line of help; read once from HEADSCOPE_* and flags, then frozen."""

import re
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from ipaddress import ip_address
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, DirectoryPath, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# Read by the scripts beside the application, not by it.
OTHERS = ("HEADSCOPE_CHROMIUM",)

SHORTEST_KEY = 16

# What a stranger may use up of a shared server, unless the setting itself says otherwise.
SHARED_DEFAULTS = {
    "hub_models": (),
    "downloads": False,
    "max_body_bytes": 2**20,
    "max_characters": 50_000,
    "max_cells": 10_000_000,
    "max_json_cells": 1_000_000,
}


def known_device(name: str) -> str:
    if not re.fullmatch(r"cpu|cuda(:\d{1,3})?|mps", name):
        raise ValueError("take cpu, cuda, cuda:1 (its number) or mps")
    return name


def good_key(key: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[\x21-\x7e]*", key.get_secret_value()):
        raise ValueError("letters, digits and signs of ASCII are wanted, no spaces: a header carries nothing else")
    if len(key) < SHORTEST_KEY:
        raise ValueError(f"at least {SHORTEST_KEY} characters are wanted: openssl rand -hex 16 makes a key")
    return key


def names(given: Any) -> Any:
    """`a, b` as one writes it into a variable."""
    return tuple(name.strip() for name in given.split(",") if name.strip()) if isinstance(given, str) else given


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(names)]


class Settings(BaseSettings):
    """The table that the environment, the command line and the README are made from."""

    model_config = SettingsConfigDict(env_prefix="HEADSCOPE_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    open: bool = Field(True, description="open the page in a browser once the server listens")
    model: str = Field("minilm", description="model that is loaded at the start and used where none is named")
    models_dir: DirectoryPath | None = Field(None, description="folder of model folders, each offered as local:NAME")
    device: Annotated[str, AfterValidator(known_device)] = Field(
        "cpu", description="where models run: cpu, cuda or mps"
    )
    max_tokens: int | None = Field(
        None, ge=1, description="tokens per text; by default what the model has positions for"
    )
    api_key: Annotated[SecretStr, AfterValidator(good_key)] | None = Field(
        None, description="key that a shared server wants: `Authorization: Bearer KEY`"
    )
    insecure: bool = Field(False, description="share without a key")
    allowed_hosts: Names = Field(
        (),
        description="names the server answers to (`lab.example, 10.0.0.5`); else the local ones, or any if shared",
    )
    requests_per_minute: int = Field(600, ge=1, description="from one address, where the server is shared")
    hub_models: Names | None = Field(
        None,
        description="models of the hub that are offered (`gpt2, owner/name`); by default any, or none if shared",
    )
    downloads: bool = Field(True, description="fetch models of the hub that are not in its cache; not if shared")
    max_download_gb: float = Field(5, gt=0, description="gigabytes of one model of the hub")
    max_model_bytes: int = Field(8 * 2**30, ge=1, description="memory for models; the longest unused go first")
    max_body_bytes: int = Field(8 * 2**20, ge=1, description="length of a request's body")
    max_characters: int = Field(200_000, ge=1, description="characters per text, counted before tokenizing")
    max_cells: int = Field(50_000_000, ge=1, description="weights in one binary answer that is not streamed")
    max_json_cells: int = Field(4_000_000, ge=1, description="weights in one JSON answer")
    max_capture_bytes: int = Field(2**31, ge=1, description="memory for captures; the least recently used go first")
    capture_dtype: Literal["float32", "float16"] = Field(
        "float32", description="how captures keep queries and keys: float16 takes half the memory, and costs accuracy"
    )
    capture_seconds: int = Field(3600, ge=1, description="how long a capture is kept")
    run_seconds: float = Field(600, gt=0, description="how long the run of one text may take, waiting aside")
    max_waiting: int = Field(
        32,
        ge=1,
        description="requests that may wait in one queue (for the model, for a reader), and dumps under way; "
        "one more gets 503",
    )
    socket_seconds: float = Field(
        20, gt=0, description="how long a client may keep a connection waiting, with its request or by not reading"
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "warning", description="how much the server logs: info has each request, and never a text"
    )

    @model_validator(mode="before")
    @classmethod
    def less_for_strangers(cls, given: Any) -> Any:
        return given if is_loopback(str(given.get("host", "127.0.0.1"))) else {**SHARED_DEFAULTS, **given}

    @model_validator(mode="after")
    def refuse_to_share_by_accident(self) -> Self:
        if self.shared and self.api_key is None and not self.insecure:
            raise ValueError(
                f"{self.host} can be reached from other machines: set a key (HEADSCOPE_API_KEY), or say --insecure"
            )
        return self

    @property
    def shared(self) -> bool:
        """Whether other machines can reach this server."""
        return not is_loopback(self.host)


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """A word on each HEADSCOPE_ variable that is none: a misspelt limit would be no limit."""
    known = [f"HEADSCOPE_{name.upper()}" for name in Settings.model_fields]
    odd = sorted(name for name in environment if name.startswith("HEADSCOPE_") and name not in (*known, *OTHERS))
    return [f"{name} is no setting; did you mean {nearest(name, known)}?" for name in odd]


def nearest(name: str, known: Sequence[str]) -> str:
    return " or ".join(get_close_matches(name, known, 2)) or "one of those in docs/settings.md"


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
