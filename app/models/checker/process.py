"""Check files of models in a process of its own, so that a hostile file ends that process, not the server.

One process serves all checks. It is started with the first of them, and replaced when it dies, when a check takes too
long, and after a number of checks. It never outlives the server, see `start.py`.
"""

import atexit
import json
import logging
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Lock
from typing import Any

from ...errors import Busy, CorruptModel, ModelRefused, UnsupportedModel, WeightsDoNotFit
from ..file_names import CONFIG, INDEX, TOKENIZER
from .frames import read_frame, write_frame
from .start import start
from .watchdog import SECONDS_BETWEEN_LOOKS, check_building, check_wanted, watched

log = logging.getLogger(__name__)

MAX_REMEMBERED = 256
KILL = getattr(signal, "SIGKILL", None)
ERRORS: dict[str, type[ModelRefused]] = {
    error.__name__: error for error in (CorruptModel, UnsupportedModel, WeightsDoNotFit)
}


@dataclass
class Checker:
    """Checks one file at a time. Safe to use from several threads.

    module:               of this package, which the process runs
    cpu_seconds, seconds: CPU time and wall time of one check
    memory_bytes:         memory of the process; of `builder`, beyond what it takes before the first check
    kept_bytes:           a process that takes more after a check is replaced: it would not give the memory back
    uses:                 checks before the process is replaced
    accepted:             hashes of tokenizers that have passed their trial, which takes a tenth of a second
    described:            the hash of a config.json -> the answer about it, so that asking again costs nothing
    """

    module: str = "child"
    cpu_seconds: int = 10
    seconds: float = 60
    memory_bytes: int = 2**30
    kept_bytes: int = 2**27
    uses: int = 100
    lock: Lock = field(default_factory=Lock)
    process: "subprocess.Popen[bytes] | None" = None
    used: int = 0
    accepted: set[str] = field(default_factory=set)
    described: dict[str, dict[str, Any]] = field(default_factory=dict)

    def config(self, data: bytes, name: str) -> dict[str, Any]:
        """What `short_fields` finds in a config.json. Raises CorruptModel."""
        found: dict[str, Any] = self.ask("config", data, name, name=name)
        return found

    def tensors(self, header: bytes, data_bytes: int) -> list[Any]:
        """The fields of each tensor that `parse_header` finds. Raises CorruptModel."""
        found: list[Any] = self.ask("header", header, "the header of the weights", data_bytes=data_bytes)
        return found

    def shards(self, index: bytes) -> dict[str, list[str]]:
        """File -> names of its weights, in an index of divided weights. Raises CorruptModel."""
        found: dict[str, list[str]] = self.ask("index", index, INDEX)
        return found

    def sizes(self, model_type: str, config: dict[str, Any]) -> dict[str, int]:
        """The parameters and the bytes of buffers of the model that a config describes.

        Raises UnsupportedModel, CorruptModel; BuildLater within `without_building`, also if the answer is known: the
        server builds the model afterwards.
        """
        check_building()
        data = json.dumps(config).encode()
        digest = sha256(model_type.encode() + b"\0" + data).hexdigest()
        if digest not in self.described:
            answer = self.answer_to("sizes", data, CONFIG, model_type=model_type)
            if len(self.described) >= MAX_REMEMBERED:
                self.described.clear()
            self.described[digest] = answer
        found: dict[str, int] = result_of(self.described[digest])
        return found

    def built_tokenizer(
        self, files: dict[str, str], model_type: str, registered: str | None = None, *, fixed: bool = False
    ) -> bytes | None:
        """See `build_tokenizer`. Raises CorruptModel, UnsupportedModel."""
        data = json.dumps(files, ensure_ascii=False).encode()
        options = {"model_type": model_type, "registered": registered, "fixed": fixed}
        built: str | None = self.ask("vocabulary", data, "the tokenizer", **options)
        return None if built is None else built.encode()

    def tokenizer(self, data: bytes, **options: int) -> None:
        """`options` are those of `try_tokenizer`. Raises CorruptModel, UnsupportedModel, WeightsDoNotFit."""
        tried = f"{sha256(data).hexdigest()} {json.dumps(options, sort_keys=True)}"
        if tried not in self.accepted:
            self.ask("tokenizer", data, TOKENIZER, **options)
            if len(self.accepted) >= MAX_REMEMBERED:
                self.accepted.clear()
            self.accepted.add(tried)

    def ask(self, check: str, data: bytes, checked: str, **options: Any) -> Any:
        """The result of a check in the process. Raises its error, or CorruptModel if the process dies."""
        return result_of(self.answer_to(check, data, checked, **options))

    def answer_to(self, check: str, data: bytes, checked: str, **options: Any) -> dict[str, Any]:
        """The result of a check or its error, which will be the same next time.

        Raises CorruptModel if the process dies for another reason, and what `check_wanted` raises.
        If something else kills the process, as the system does where memory is short, the check is tried once more.
        """
        question = {"check": check, "options": options}
        with self.turn():
            answer = self.attempt(question, data, checked) or self.attempt(question, data, checked)
            if answer is None:
                raise CorruptModel(
                    f"{checked} could not be checked: the process that checks it was killed twice, perhaps because the "
                    "machine is short of memory; free some, then load the model again"
                )
            if answer.pop("resident_bytes", 0) > self.kept_bytes:
                self.stop()
        return answer

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The process is ours within the `with`. Raises what `check_wanted` raises."""
        while not self.lock.acquire(timeout=SECONDS_BETWEEN_LOOKS):
            check_wanted()
        try:
            check_wanted()
            yield
        finally:
            self.lock.release()

    def attempt(self, question: dict[str, Any], data: bytes, checked: str) -> dict[str, Any] | None:
        """The answer, or None if something else has killed the process.

        Raises CorruptModel after too much time, and what `check_wanted` raises.
        """
        process = self.ready()
        with watched(process, self.seconds) as too_late:
            try:
                answer = exchange(process, question, data)
            except BaseException:
                self.stop()  # half a question would make the next one unreadable
                raise
        if answer is not None:
            return answer
        signal_number = -process.wait()
        self.stop()
        check_wanted()
        log.warning("the process that checks files of models died of signal %d and is replaced", signal_number)
        why = f"{checked} {self.cause_of_death(signal_number)}"
        if too_late.is_set():
            raise CorruptModel(why)
        return None if signal_number == KILL else {"error": CorruptModel.__name__, "detail": why}

    def cause_of_death(self, signal_number: int) -> str:
        limits = {
            "SIGXCPU": f"{self.cpu_seconds} seconds of CPU time",
            "SIGABRT": f"{self.memory_bytes // 2**20} MB of memory",  # Rust aborts where there is no memory
            "SIGKILL": f"{self.seconds:g} seconds",
        }
        passed = (limit for name, limit in limits.items() if getattr(signal, name, None) == signal_number)
        return next((f"takes more than {limit} to check" for limit in passed), "ends the process that checks it")

    def ready(self) -> "subprocess.Popen[bytes]":
        """The running process, or a new one. Raises Busy if it cannot be started."""
        if self.process is not None and (self.process.poll() is not None or self.used >= self.uses):
            self.stop()
        if self.process is None:
            try:
                self.process = start(self.module, self.memory_bytes, self.cpu_seconds)
            except OSError as error:
                raise Busy(f"no process to check the model's files can be started: {error.strerror}") from error
            self.used = 0
        self.used += 1
        return self.process

    def stop(self) -> None:
        """End the process."""
        process, self.process = self.process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                assert pipe is not None
                with suppress(OSError):  # what could not be written
                    pipe.close()


def result_of(answer: dict[str, Any]) -> Any:
    if "error" in answer:
        raise ERRORS[answer["error"]](answer["detail"])
    return answer["result"]


def exchange(process: "subprocess.Popen[bytes]", question: dict[str, Any], data: bytes) -> dict[str, Any] | None:
    """The answer, or None if the process has died."""
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        write_frame(process.stdin, json.dumps(question).encode())
        write_frame(process.stdin, data)
        answer = read_frame(process.stdout)
    except OSError:
        return None
    return None if answer is None else json.loads(answer)


CHECKER = Checker()
# Builds models without weights. Importing torch and transformers takes seconds and 250 MB, so it is kept longer.
BUILDER = Checker("builder", cpu_seconds=20, seconds=60, kept_bytes=2**29)
for each in (CHECKER, BUILDER):
    atexit.register(each.stop)
