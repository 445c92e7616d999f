"""Limits on the answers of a hub, for each request of huggingface_hub, which itself checks none of this.

huggingface_hub uses headers of an answer as file names, reads answers of any length, and waits as long as a byte
arrives from time to time. Inside `limited`, its HTTP client ends such an answer with HubUnreachable.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

import httpcore2
import httpx2
from huggingface_hub import get_session

from ..errors import HubUnreachable

MAX_ANSWER = 2**22  # bytes of an answer that is not a file
ANSWER_SECONDS = 20.0  # for a whole answer that is not a file
# A download may be slow, but not stand still: fewer bytes than this in so many seconds end it.
SLOW_SECONDS, SLOW_BYTES = 60.0, 60_000
COMMIT = re.compile(r"[0-9a-f]{40}")
# The hash of a git blob, or SHA-256: huggingface_hub names the file in its cache after it.
ETAG = re.compile(r'(W/)?"?([0-9a-f]{40}|[0-9a-f]{64})"?')
FORMATS = {"X-Repo-Commit": COMMIT, "ETag": ETAG, "X-Linked-Etag": ETAG}


@dataclass
class Limits:
    """What is taken from the hub for one call of huggingface_hub, which may send several requests.

    size:  of the file in bytes, as the hub has listed it; None if no file is asked for
    check: called for every block that arrives; raises the reason to end
    """

    repo: str
    size: int | None = None
    check: Callable[[], object] = lambda: None
    is_file: bool = False
    since: float = field(default_factory=monotonic)
    received: int = 0

    def begin(self, request: httpx2.Request) -> None:
        """The clock starts with each answer, but for a file only once: a download that is resumed is the same one."""
        is_file = self.size is not None and request.method == "GET"
        if not (is_file and self.is_file):
            self.is_file, self.since, self.received = is_file, monotonic(), 0

    def count(self, received: int) -> None:
        """Count bytes that have arrived. Raises HubUnreachable if they take too long, and what `check` raises."""
        self.check()
        self.received += received
        seconds = monotonic() - self.since
        if not self.is_file and seconds > ANSWER_SECONDS:
            raise unusable(self.repo, f"it is not complete after {ANSWER_SECONDS:g} s")
        if self.is_file and seconds > SLOW_SECONDS:
            if self.received < SLOW_BYTES:
                raise unusable(self.repo, f"only {self.received:,} bytes arrived in {seconds:.0f} s")
            self.since, self.received = monotonic(), 0


LIMITS: ContextVar[Limits | None] = ContextVar("LIMITS", default=None)


def unusable(repo: str, reason: str) -> HubUnreachable:
    return HubUnreachable(
        f"the answer of the hub about {repo} cannot be used: {reason}; try again, or check HF_ENDPOINT and the proxy"
    )


@contextmanager
def limited(limits: Limits) -> Iterator[None]:
    """Apply `limits` to all that huggingface_hub asks for in this thread, within the `with`."""
    hooks = get_session().event_hooks  # of the client that huggingface_hub uses for all its requests
    for kind, hook in (("request", prepare), ("response", check_answer)):
        if hook not in hooks[kind]:
            hooks[kind].append(hook)
    token = LIMITS.set(limits)
    try:
        yield
    finally:
        LIMITS.reset(token)


def prepare(request: httpx2.Request) -> None:
    """Ask for an answer without compression, whose length is the one in its headers, and limit its time."""
    limits = LIMITS.get()
    if limits is not None:
        limits.begin(request)
        request.headers["Accept-Encoding"] = "identity"
        request.extensions["trace"] = watch_connection


def watch_connection(_: str, info: dict[str, Any]) -> None:
    """Called by httpcore2 at each of its steps; those that open a connection return its stream.

    The limits are looked up when the stream is read, since a connection serves several requests.
    """
    stream = info.get("return_value")
    if isinstance(stream, httpcore2.NetworkStream):
        stream.read = counted(stream.read)  # type: ignore[method-assign]


def counted(read: Callable[..., bytes]) -> Callable[..., bytes]:
    def read_and_count(*args: Any, **options: Any) -> bytes:
        received = read(*args, **options)
        if (limits := LIMITS.get()) is not None:
            limits.count(len(received))
        return received

    return read_and_count


def check_answer(response: httpx2.Response) -> None:
    """Called for each answer, before huggingface_hub gets it. Raises HubUnreachable."""
    limits = LIMITS.get()
    if limits is None:
        return
    # To huggingface_hub, an answer without these headers is not one of the hub.
    for name, form in FORMATS.items():
        if not form.fullmatch(response.headers.get(name, "")):
            response.headers.pop(name, None)
    if response.request.method == "HEAD":
        check_size(response, limits)
        return
    encoding = response.headers.get("Content-Encoding", "identity")
    if encoding != "identity":
        raise unusable(limits.repo, f"it is compressed ({encoding[:20]}), which was not asked for")
    if not (limits.is_file and response.is_success):  # `FileProgress` limits files
        response.stream = LimitedBody(response.stream, limits.repo)


def check_size(response: httpx2.Response, limits: Limits) -> None:
    """Raises HubUnreachable if the file has another size than the hub has listed."""
    headers = response.headers
    if "X-Repo-Commit" not in headers or not headers.keys() & {"etag", "x-linked-etag"}:
        return
    size = headers.get("X-Linked-Size") or (headers.get("Content-Length") if response.is_success else None)
    if size is not None and limits.size is not None and size != str(limits.size):
        raise unusable(limits.repo, f"a file has {size[:30]} bytes, {limits.size} are listed")


class LimitedBody(httpx2.SyncByteStream):
    """The body of an answer, which huggingface_hub reads into memory."""

    def __init__(self, stream: Any, repo: str) -> None:
        self.stream, self.repo = stream, repo

    def __iter__(self) -> Iterator[bytes]:
        received = 0
        for block in self.stream:
            received += len(block)
            if received > MAX_ANSWER:
                raise unusable(self.repo, f"it has more than {MAX_ANSWER:,} bytes")
            yield block

    def close(self) -> None:
        self.stream.close()
