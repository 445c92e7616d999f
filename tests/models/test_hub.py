import os
import re

import pytest
from fakehub import COMMIT, fake_hub
from huggingface_hub import constants
from worlds import write_tiny

from headscope.engine.progress import WorkProgress
from headscope.errors import (
    CorruptModel,
    DownloadCancelled,
    HubUnreachable,
    ModelGated,
    ModelNotFound,
    ModelTooLarge,
    UnsafeFormat,
    UnsupportedModel,
)
from headscope.models.checkpoint import read_config
from headscope.models.hub import Hub, fetch
from headscope.models.progress import cancelled

REPO = "team/tiny"


@pytest.fixture
def hub(tmp_path):
    with fake_hub(team__tiny=write_tiny(tmp_path / "tiny", "gpt2")) as hub:
        yield hub


def take(hub, tmp_path, repo=REPO, revision=None, progress=None, check=read_config, **options):
    asked = Hub(**{"max_gigabytes": 1, "endpoint": hub.url, "cache": tmp_path / "cache", **options})
    return fetch(asked, repo, revision, progress or WorkProgress(), check)


def test_only_the_files_that_are_read_are_downloaded(hub, tmp_path):
    (hub.repos[REPO] / "README.md").write_text("not needed")
    folder = take(hub, tmp_path)
    assert {path.name for path in folder.iterdir()} == {"config.json", "tokenizer.json", "model.safetensors"}
    assert folder.name == COMMIT


def test_the_weights_of_an_unsupported_family_are_not_downloaded(hub, tmp_path):
    config = hub.repos[REPO] / "config.json"
    config.write_text('{"model_type": "llama"}')
    with pytest.raises(UnsupportedModel):
        take(hub, tmp_path)
    assert not any("safetensors" in path for path in hub.asked)


def test_the_progress_ends_at_the_announced_total(hub, tmp_path):
    progress = WorkProgress()
    take(hub, tmp_path, progress=progress)
    assert (
        progress.done
        == progress.total
        == sum(
            (hub.repos[REPO] / name).stat().st_size for name in ("config.json", "tokenizer.json", "model.safetensors")
        )
    )


def test_a_cached_checkpoint_is_not_downloaded_again(hub, tmp_path):
    take(hub, tmp_path)
    hub.asked.clear()
    take(hub, tmp_path)
    assert not [path for path in hub.asked if path.startswith("GET /team")]


@pytest.mark.parametrize("fault", ["down", "gone"])
def test_a_cached_checkpoint_works_without_the_hub(hub, tmp_path, fault):
    there = take(hub, tmp_path)
    hub.faults[REPO] = "down"
    endpoint = {"endpoint": "http://127.0.0.1:9"} if fault == "gone" else {}
    assert take(hub, tmp_path, **endpoint) == there


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            lambda hub: hub.faults.update({REPO: "down"}),
            HubUnreachable,
            "hub answers with status 500.*in the cache",
        ),
        (lambda hub: hub.faults.update({REPO: "gated"}), ModelGated, "gated: accept its conditions.*HF_TOKEN"),
        (lambda hub: hub.repos.clear(), ModelNotFound, "on this server or on the hub"),
        (lambda hub: setattr(hub, "url", "http://127.0.0.1:9"), HubUnreachable, "does not answer"),
        (lambda hub: (hub.repos[REPO] / "tokenizer.json").unlink(), CorruptModel, "has no tokenizer.json"),
        (
            lambda hub: (hub.repos[REPO] / "model.safetensors").rename(hub.repos[REPO] / "pytorch_model.bin"),
            UnsafeFormat,
            "only pickled weights",
        ),
    ],
    ids=["500", "gated", "unknown", "no server", "no tokenizer", "pickle"],
)
def test_errors_of_the_hub_name_the_reason_and_a_solution(hub, tmp_path, change, error, message):
    change(hub)
    with pytest.raises(error, match=message):
        take(hub, tmp_path)


def test_an_unknown_revision_is_not_found(hub, tmp_path):
    with pytest.raises(ModelNotFound, match="does not have this revision"):
        take(hub, tmp_path, revision="v9")


def test_a_checkpoint_above_the_limit_is_refused_before_anything_is_downloaded(hub, tmp_path):
    with pytest.raises(ModelTooLarge, match=r"GB, HEADSCOPE_MAX_DOWNLOAD_GB is 1e-06"):
        take(hub, tmp_path, max_gigabytes=1e-6)
    assert not [path for path in hub.asked if "resolve" in path]


def test_without_downloads_the_hub_is_not_asked(hub, tmp_path):
    with pytest.raises(ModelNotFound, match="does not download models"):
        take(hub, tmp_path, downloads=False)
    assert hub.asked == []
    folder = take(hub, tmp_path)
    assert take(hub, tmp_path, downloads=False) == folder


def test_an_interrupted_download_is_resumed_where_it_stopped(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.faults[REPO] = "half once"
    folder = take(hub, tmp_path)
    assert (folder / "model.safetensors").read_bytes() == (hub.repos[REPO] / "model.safetensors").read_bytes()
    assert [re.fullmatch(r"model.safetensors bytes=[1-9]\d+-", one) is not None for one in hub.ranges] == [True]


def test_a_download_that_is_always_interrupted_is_an_error(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.faults[REPO] = "half"
    with pytest.raises(HubUnreachable, match="is not in the cache"):
        take(hub, tmp_path)


def test_a_download_can_be_cancelled_between_two_chunks(hub, tmp_path):
    progress = WorkProgress()
    progress.stop(cancelled())
    with pytest.raises(DownloadCancelled, match="continues where it stopped"):
        take(hub, tmp_path, progress=progress)
    assert not any("safetensors" in path for path in hub.asked if path.startswith("GET"))


def test_the_token_is_sent_to_the_hub_and_is_in_no_error(hub, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_TOKEN", "hf_secret")
    hub.faults[REPO] = "gated"
    with pytest.raises(ModelGated) as refused:
        take(hub, tmp_path)
    assert "Bearer hf_secret" in hub.tokens
    assert "hf_secret" not in str(refused.value)
