import errno
import os
import re
from dataclasses import replace
from functools import partial

import huggingface_hub.file_download
import pytest
from fakehub import ANSWERS, COMMIT, Handler, fake_hub
from huggingface_hub import constants
from model_files import FILES
from worlds import write_tiny

from headscope.engine.progress import WorkProgress
from headscope.errors import (
    CorruptModel,
    DiskFull,
    DownloadCancelled,
    HubUnreachable,
    ModelGated,
    ModelNotFound,
    ModelTooLarge,
    UnsafeFormat,
    UnsupportedModel,
)
from headscope.models.claim import read_config
from headscope.models.hub import Hub, fetch, sizes_of
from headscope.models.progress import cancelled

REPO = "team/tiny"
READ_CONFIG = partial(read_config, source="hub")


@pytest.fixture
def hub(tmp_path):
    with fake_hub(team__tiny=write_tiny(tmp_path / "tiny", "gpt2")) as hub:
        yield hub


def take(hub, tmp_path, repo=REPO, revision=None, progress=None, check=READ_CONFIG, **options):
    asked = Hub(**{"max_gigabytes": 1, "endpoint": hub.url, "cache": tmp_path / "cache", **options})
    return fetch(asked, repo, revision, progress or WorkProgress(), check)


@pytest.mark.fault(13, 14)
def test_only_the_files_that_are_read_are_downloaded(hub, tmp_path):
    (hub.repos[REPO] / "README.md").write_text("not needed")
    folder = take(hub, tmp_path)
    assert {path.name for path in folder.iterdir()} == {"config.json", "tokenizer.json", "model.safetensors"}
    assert folder.name == COMMIT


@pytest.mark.fault(13)
def test_the_weights_of_an_unsupported_family_are_not_downloaded(hub, tmp_path):
    config = hub.repos[REPO] / "config.json"
    config.write_text('{"model_type": "mamba"}')
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


@pytest.mark.fault(19, decides=True)
@pytest.mark.parametrize("fault", ["down", "gone"])
def test_a_cached_checkpoint_works_without_the_hub(hub, tmp_path, fault):
    there = take(hub, tmp_path)
    hub.faults[REPO] = "down"
    endpoint = {"endpoint": "http://127.0.0.1:9"} if fault == "gone" else {}
    assert take(hub, tmp_path, **endpoint) == there


@pytest.mark.fault(19, decides=True)
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
        (
            lambda hub: (hub.repos[REPO] / "model.safetensors").rename(hub.repos[REPO] / "adapter_config.json"),
            UnsupportedModel,
            "is an adapter.*merge_and_unload",
        ),
        (
            lambda hub: (hub.repos[REPO] / "model.safetensors").rename(hub.repos[REPO] / "training_args.bin"),
            CorruptModel,
            "has no model.safetensors",
        ),
    ],
    ids=["500", "gated", "unknown", "no server", "no tokenizer", "pickle", "adapter", "no weights"],
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


@pytest.mark.fault(19)
def test_without_downloads_the_hub_is_not_asked(hub, tmp_path):
    with pytest.raises(ModelNotFound, match="does not download models"):
        take(hub, tmp_path, downloads=False)
    assert hub.asked == []
    folder = take(hub, tmp_path)
    assert take(hub, tmp_path, downloads=False) == folder


@pytest.mark.fault(19, decides=True)
def test_an_interrupted_download_is_resumed_where_it_stopped(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 1000)
    hub.faults[REPO] = "half once"
    folder = take(hub, tmp_path)
    assert (folder / "model.safetensors").read_bytes() == (hub.repos[REPO] / "model.safetensors").read_bytes()
    assert [re.fullmatch(r"model.safetensors bytes=[1-9]\d+-", one) is not None for one in hub.ranges] == [True]


@pytest.mark.fault(19)
def test_a_download_that_is_always_interrupted_is_an_error(hub, tmp_path, monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    hub.faults[REPO] = "half"
    with pytest.raises(HubUnreachable, match="is not in the cache"):
        take(hub, tmp_path)


def test_a_download_can_be_cancelled_between_two_chunks(hub, tmp_path):
    progress = WorkProgress()
    progress.stop(cancelled(downloads=True))
    with pytest.raises(DownloadCancelled, match="continues a download where it stopped"):
        take(hub, tmp_path, progress=progress)
    assert not any("safetensors" in path for path in hub.asked if path.startswith("GET"))


def test_the_token_is_sent_to_the_hub_and_is_in_no_error(hub, tmp_path, monkeypatch):
    monkeypatch.setitem(os.environ, "HF_TOKEN", "hf_secret")
    hub.faults[REPO] = "gated"
    with pytest.raises(ModelGated) as refused:
        take(hub, tmp_path)
    assert "Bearer hf_secret" in hub.tokens
    assert "hf_secret" not in str(refused.value)


@pytest.mark.fault(48)
@pytest.mark.parametrize("answer", ANSWERS)
def test_an_answer_that_is_not_the_hubs_is_503_with_the_way_out(hub, tmp_path, answer):
    hub.faults[REPO] = answer
    with pytest.raises(HubUnreachable, match=r"not the Hugging Face hub.*login page.*HF_ENDPOINT"):
        take(hub, tmp_path)


@pytest.mark.fault(48)
def test_a_login_page_in_place_of_a_file_is_503_with_the_way_out(hub, tmp_path, monkeypatch):
    def describe_then_fail(handler, *given):
        describe(handler, *given)
        hub.faults[REPO] = "login page"

    describe = Handler.describe
    monkeypatch.setattr(Handler, "describe", describe_then_fail)
    with pytest.raises(HubUnreachable, match=r"not the Hugging Face hub.*login page"):
        take(hub, tmp_path)


@pytest.mark.fault(48)
def test_an_invalid_certificate_is_503_with_the_way_out(hub, tmp_path):
    with pytest.raises(HubUnreachable, match=r"\(TLS\).*failed.*check the clock"):
        take(hub, tmp_path, endpoint=hub.url.replace("http:", "https:"))  # plain HTTP answers there


@pytest.mark.fault(48)
def test_a_cache_that_cannot_be_created_is_503_with_the_way_out(hub, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(HubUnreachable, match=r"cache of the hub cannot be used \(Not a directory\).*set HF_HOME"):
        take(hub, tmp_path, cache=tmp_path / "file" / "cache")


@pytest.mark.parametrize(
    ("number", "error", "message"),
    [
        pytest.param(errno.EACCES, HubUnreachable, "Permission denied.*set HF_HOME", marks=pytest.mark.fault(48)),
        pytest.param(errno.EROFS, HubUnreachable, "Read-only file system.*set HF_HOME", marks=pytest.mark.fault(48)),
        pytest.param(errno.EIO, HubUnreachable, "cannot be used", marks=pytest.mark.fault(48)),
        pytest.param(errno.ENOSPC, DiskFull, "free some space", marks=pytest.mark.fault(19)),
        pytest.param(errno.EDQUOT, DiskFull, "free some space", marks=pytest.mark.fault(19)),
    ],
)
def test_a_disk_that_cannot_be_written_is_an_error_with_the_way_out(hub, tmp_path, monkeypatch, number, error, message):
    """The tests may run as root, who may write everywhere: here, creating a folder fails."""

    def refuse(path, *_, **__):
        raise OSError(number, os.strerror(number), str(path))

    monkeypatch.setattr(os, "makedirs", refuse)
    monkeypatch.setattr("pathlib.Path.mkdir", refuse)
    with pytest.raises(error, match=message):
        take(hub, tmp_path)


@pytest.mark.fault(19)
def test_an_offline_machine_says_so_and_uses_the_cache(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(HubUnreachable, match="is not in the cache, and HF_HUB_OFFLINE is set"):
        take(hub, tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    there = take(hub, tmp_path)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    assert take(hub, tmp_path) == there


@pytest.mark.fault(19)
@pytest.mark.parametrize("fault", ["half", "login page", "full"])
def test_a_cached_checkpoint_is_used_if_the_download_of_a_newer_one_fails(hub, tmp_path, monkeypatch, fault):
    there = take(hub, tmp_path)
    weights = hub.repos[REPO] / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[::-1])
    monkeypatch.setattr("fakehub.COMMIT", "f" * 40)
    monkeypatch.setattr("time.sleep", lambda _: None)
    if fault == "full":
        monkeypatch.setattr(huggingface_hub.file_download, "_download_to_tmp_and_move", no_space)
    else:
        hub.faults[REPO] = fault
    assert take(hub, tmp_path) == there


def no_space(**_):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.fault(47)
def test_the_size_of_a_model_is_known_without_a_download(hub, tmp_path):
    options = Hub(1, endpoint=hub.url, cache=tmp_path / "cache")
    total = sum((hub.repos[REPO] / name).stat().st_size for name in FILES)
    assert sizes_of(options, REPO, None) == (total, total)
    assert not [path for path in hub.asked if "resolve" in path]
    take(hub, tmp_path)
    assert sizes_of(options, REPO, None) == (total, 0)
    hub.faults[REPO] = "down"
    assert sizes_of(options, REPO, None) == (total, 0)
    assert sizes_of(replace(options, downloads=False), REPO, None) == (total, 0)


@pytest.mark.fault(47)
def test_the_size_of_a_model_that_would_be_refused_is_the_reason(hub, tmp_path):
    options = Hub(1e-6, endpoint=hub.url, cache=tmp_path / "cache")
    with pytest.raises(ModelTooLarge):
        sizes_of(options, REPO, None)
    with pytest.raises(ModelNotFound, match="does not download models"):
        sizes_of(replace(options, downloads=False), REPO, None)
