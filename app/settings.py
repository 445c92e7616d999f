"""Every knob: name, default, one line of help; read once from HEADSCOPE_* and flags, then frozen."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The table that the environment, the command line and the README are made from."""

    model_config = SettingsConfigDict(env_prefix="HEADSCOPE_", frozen=True, extra="forbid")

    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(8000, ge=0, le=65535, description="port to listen on; 0 takes a free one")
    open: bool = Field(True, description="open the page in a browser once the server listens")
    model: str = Field("minilm", description="model that is loaded at the start and used where none is named")
    models_dir: Path | None = Field(None, description="folder of model folders, each offered as local:NAME")
    device: str = Field("cpu", pattern=r"^(cpu|cuda(:\d+)?|mps)$", description="where models run: cpu, cuda or mps")
    max_tokens: int | None = Field(
        None, ge=1, description="tokens per text; by default what the model has positions for"
    )
    max_characters: int = Field(200_000, ge=1, description="characters per text, counted before tokenizing")
    max_cells: int = Field(50_000_000, ge=1, description="weights in one binary answer")
    max_json_cells: int = Field(4_000_000, ge=1, description="weights in one JSON answer")
    max_capture_bytes: int = Field(2**30, ge=1, description="memory for captures; the least recently used go first")
    capture_seconds: int = Field(3600, ge=1, description="how long a capture is kept")
    max_waiting: int = Field(
        32, ge=1, description="requests that may wait in one queue (for the model, for a reader); one more gets 503"
    )
    log_level: Literal["critical", "error", "warning", "info", "debug"] = Field(
        "warning", description="how much the server logs; texts are never logged"
    )
