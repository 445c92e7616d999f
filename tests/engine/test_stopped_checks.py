"""A check of a foreign model that takes long: it holds up no other load, it can be cancelled, and it ends with the
server."""

import asyncio
import ctypes
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import httpx2
import pytest
from anyio.from_thread import start_blocking_portal
from architectures import ARCHITECTURES
from model_files import TOKENIZER, slow_tokenizer
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from worlds import until

from headscope.engine.model_cache import ModelCache
from headscope.errors import DownloadCancelled
from headscope.models.checker.process import Checker
from headscope.settings import Settings


@pytest.fixture
def builder(monkeypatch):
    """A process that builds models, and has begun."""
    made = Checker("builder", kept_bytes=2**30, seconds=1000)
    monkeypatch.setattr("headscope.models.foreign_config.BUILDER", made)
    made.sizes("albert", {"num_hidden_layers": 1, "hidden_size": 64, "vocab_size": 8})
    yield made
    made.stop()


@pytest.fixture
def folders(models_dir, tmp_path):
    """`albert` and `other` are built for their check, `gpt2` is not."""
    for name, changes in {"albert": {}, "other": {"unused": 1}}.items():
        ARCHITECTURES["albert"].build().save_pretrained(tmp_path / name)
        Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / name / TOKENIZER))
        config = tmp_path / name / "config.json"
        config.write_text(json.dumps(json.loads(config.read_text()) | changes))
    shutil.copytree(models_dir / "gpt2", tmp_path / "gpt2")
    return tmp_path


@pytest.mark.fault(43, 46)
def test_a_model_that_takes_long_to_build_holds_up_no_other_and_frees_its_place_when_it_is_cancelled(folders, builder):
    async def load_others_meanwhile():
        models = ModelCache(Settings(model="gpt2-mini", models_dir=folders))
        first, second = await models.start("local:albert"), await models.start("local:other")
        await models.model("local:gpt2")
        assert not first.task.done(), "the model was still being built"
        models.cancel("local:albert")
        with pytest.raises(DownloadCancelled):
            await models.result_of(first)
        async with asyncio.timeout(60):  # far below the time after which the process would be killed anyway
            return await models.result_of(second)

    hanging = builder.process
    os.kill(hanging.pid, signal.SIGSTOP)
    with start_blocking_portal() as portal:
        assert portal.call(load_others_meanwhile).card.id == "local:other"
    assert hanging.returncode == -signal.SIGKILL


PR_SET_CHILD_SUBREAPER = 36
SERVE = "from headscope.cli.command import run; run()"


@pytest.fixture
def orphans():
    """Processes whose parents end become children of this one, which so learns how they end."""
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux hands over orphans")
    prctl = ctypes.CDLL(None).prctl
    prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    prctl(PR_SET_CHILD_SUBREAPER, 0)


def checking(server):
    """The process of that server that checks files, once it has computed for a second."""
    for task in Path(f"/proc/{server}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread or a process that has just ended
            for child in (task / "children").read_text().split():
                fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
                if int(fields[11]) + int(fields[12]) >= os.sysconf("SC_CLK_TCK"):
                    return int(child)
    return None


def end_of(child):
    """The number of the signal that ended the process; None if the server has waited for it."""
    try:
        status = os.waitpid(child, 0)[1]
    except ChildProcessError:
        return None
    return os.WTERMSIG(status)


@pytest.mark.fault(27, 46)
@pytest.mark.parametrize(
    "signals",
    [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGKILL]],
    ids=["SIGTERM", "SIGINT twice", "SIGKILL"],
)
def test_a_check_that_is_running_ends_with_the_server(folders, orphans, signals):
    (folders / "gpt2" / TOKENIZER).write_bytes(slow_tokenizer())
    options = ["serve", "--no-open", "--port", "0", "--models-dir", str(folders)]
    server = subprocess.Popen([sys.executable, "-c", SERVE, *options], stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split(" on ")[1].split(",")[0]

        def load():
            with suppress(httpx2.HTTPError):
                httpx2.post(f"{url}/api/v1/models/load", json={"model": "local:gpt2"}, timeout=60)

        threading.Thread(target=load).start()
        until(lambda: checking(server.pid))
        child = checking(server.pid)
        for number in signals:
            server.send_signal(number)
        server.wait(60)
    finally:
        server.kill()
        server.wait()
        server.stdout.close()
    assert end_of(child) in (signal.SIGIO, signal.SIGKILL, None), "it was not ended by its own limits"
