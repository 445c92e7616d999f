"""Check files of models in a process of its own, so that a hostile file ends that process, not the server.

One process serves all checks. It is started with the first of them, and replaced when it dies, when a check takes too
long, and after a number of checks. It ends with its standard input, so it never outlives the server.
"""

import atexit
import json
import logging
import os
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from threading import Event, Lock, Timer
from typing import Any

from ...errors import Busy, CorruptModel, ModelRefused, UnsupportedModel, WeightsDoNotFit
from ..file_names import CONFIG, INDEX, TOKENIZER
from .frames import read_frame, write_frame

log = logging.getLogger(__name__)

# Keys and tokens stay here: the process sees only what Python needs to start.
VARIABLES = (
    "PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONDONTWRITEBYTECODE", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "SYSTEMROOT",
    "LANG", "LC_ALL",
)  # fmt: skip
MAX_ACCEPTED = 256
KILL = getattr(signal, "SIGKILL", None)
ERRORS: dict[str, type[ModelRefused]] = {
    error.__name__: error for error in (CorruptModel, UnsupportedModel, WeightsDoNotFit)
}


@dataclass
class Checker:
    """Checks one file at a time. Safe to use from several threads.

    module:               of this package, which the process runs
    cpu_seconds, seconds: CPU time and wall time of one check
    memory_bytes:         memory of the process
    kept_bytes:           a process that takes more after a check is replaced: it would not give the memory back
    uses:                 checks before the process is replaced
    accepted:             hashes of tokenizers that have passed their trial, which takes a tenth of a second
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
        """The parameters and the bytes of buffers of the model that a config describes. Raises UnsupportedModel."""
        found: dict[str, int] = self.ask("sizes", json.dumps(config).encode(), CONFIG, model_type=model_type)
        return found

    def built_tokenizer(
        self, files: dict[str, str], model_type: str, registered: str | None = None, *, fixed: bool = False
    ) -> bytes | None:
        """See `build_tokenizer`. Raises CorruptModel, UnsupportedModel."""
        data = json.dumps(files, ensure_ascii=False).encode()
        options = {"model_type": model_type, "registered": registered, "fixed": fixed}
        built: str | None = self.ask("vocabulary", data, "the tokenizer", **options)
        return None if built is None else built.encode()

    def tokenizer(self, data: bytes, *, embeddings: int, segments: int, pairs: bool) -> None:
        """Raises CorruptModel, UnsupportedModel, WeightsDoNotFit."""
        tried = f"{sha256(data).hexdigest()} {embeddings} {segments} {pairs}"
        if tried not in self.accepted:
            self.ask("tokenizer", data, TOKENIZER, embeddings=embeddings, segments=segments, pairs=pairs)
            if len(self.accepted) >= MAX_ACCEPTED:
                self.accepted.clear()
            self.accepted.add(tried)

    def ask(self, check: str, data: bytes, checked: str, **options: Any) -> Any:
        """The result of a check in the process. Raises its error, or CorruptModel if the process dies.

        If something else kills the process, as the system does where memory is short, the check is tried once more.
        """
        question = {"check": check, "options": options}
        with self.lock:
            answer = self.attempt(question, data, checked) or self.attempt(question, data, checked)
            if answer is None:
                raise CorruptModel(
                    f"{checked} could not be checked: the process that checks it was killed twice, perhaps because the "
                    "machine is short of memory; free some, then load the model again"
                )
            if answer["resident_bytes"] > self.kept_bytes:
                self.stop()
        if "error" in answer:
            raise ERRORS[answer["error"]](answer["detail"])
        return answer["result"]

    def attempt(self, question: dict[str, Any], data: bytes, checked: str) -> dict[str, Any] | None:
        """The answer, or None if something else has killed the process. Raises CorruptModel if the check ended it."""
        process, too_late = self.ready(), Event()
        watchdog = Timer(self.seconds, kill, (process, too_late))
        watchdog.daemon = True
        watchdog.start()
        try:
            answer = exchange(process, question, data)
        except BaseException:
            self.stop()  # half a question would make the next one unreadable
            raise
        finally:
            watchdog.cancel()
        if answer is None:
            signal_number = -process.wait()
            self.stop()
            log.warning("the process that checks files of models died of signal %d and is replaced", signal_number)
            if too_late.is_set() or signal_number != KILL:
                raise CorruptModel(f"{checked} {self.cause_of_death(signal_number)}")
        return answer

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


def kill(process: "subprocess.Popen[bytes]", too_late: Event) -> None:
    too_late.set()
    process.kill()


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


def start(module: str, memory_bytes: int, cpu_seconds: int) -> "subprocess.Popen[bytes]":
    """A new process. Its limits exist on Unix; on other systems only the wall time is limited."""
    if sys.platform == "win32":
        log.warning("on this system, the memory that a check of a model's files takes is not limited")
    environment = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    return subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-P", "-m", f"{__package__}.{module}", str(memory_bytes), str(cpu_seconds)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # a panic would print the text that it was given
        env={**environment, "TOKENIZERS_PARALLELISM": "false", "RAYON_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C is for the server alone
    )


CHECKER = Checker()
# Builds models without weights. Importing torch and transformers takes seconds and some 500 MB, so it is kept longer.
BUILDER = Checker("builder", cpu_seconds=60, seconds=180, memory_bytes=2**33, kept_bytes=2**30)
for each in (CHECKER, BUILDER):
    atexit.register(each.stop)
