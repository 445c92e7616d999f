"""Messages over a pipe: the length in 8 bytes, then the bytes."""

from typing import IO

MOST_BYTES = 2**28  # more than all files of a tokenizer, as JSON


def write_frame(pipe: IO[bytes], data: bytes) -> None:
    pipe.write(len(data).to_bytes(8, "big"))
    pipe.write(data)
    pipe.flush()


def read_frame(pipe: IO[bytes]) -> bytes | None:
    """None where the pipe has ended, also within a message, or a message is too long."""
    length = pipe.read(8)
    if len(length) < 8:
        return None
    count = int.from_bytes(length, "big")
    data = pipe.read(count) if count <= MOST_BYTES else b""
    return data if len(data) == count else None
