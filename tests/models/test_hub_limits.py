"""A hub that lies: about names, sizes and lengths, or that sends its answer slowly or without an end."""

import gzip
import json
import re
import threading
from functools import partial

import pytest
from fakehub import COMMIT, Handler, fake_hub
from worlds import write_tiny

from headscope.engine.progress import WorkProgress
from headscope.errors import DownloadCancelled, HubUnreachable, ModelNotFound, ModelTooLarge
from headscope.models import hub_limits
from headscope.models.claim import read_config
from headscope.models.hub import Hub, fetch, sizes_of
from headscope.models.progress import cancelled

REPO = "team/tiny"


@pytest.fixture
def hub(tmp_path):
    with fake_hub(team__tiny=write_tiny(tmp_path / "tiny", "gpt2")) as hub:
        yield hub


def options(hub, tmp_path):
    return Hub(max_gigabytes=1, endpoint=hub.url, cache=tmp_path / "cache")


def take(hub, tmp_path, progress=None):
    check = partial(read_config, source="hub")
    return fetch(options(hub, tmp_path), REPO, None, progress or WorkProgress(), check)


def files_in(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


LIES = ("{tmp}/owned", "../../../owned", "..", "", "A" * 40, f"{COMMIT}/../owned")


@pytest.mark.fault(19, 46)
@pytest.mark.parametrize("header", ["ETag", "X-Linked-Etag", "X-Repo-Commit"])
@pytest.mark.parametrize("lie", LIES)
@pytest.mark.parametrize("answer", ["file", "redirect"])
def test_a_name_from_the_hub_is_never_a_path(hub, tmp_path, header, lie, answer):
    if header == "X-Linked-Etag":
        hub.headers["ETag"] = '".."'
    hub.headers[header] = lie.format(tmp=tmp_path) if header == "X-Repo-Commit" else f'"{lie}"'.format(tmp=tmp_path)
    if answer == "redirect":
        hub.headers["Location"] = "http://127.0.0.1:9/file"
    before = files_in(tmp_path)
    with pytest.raises(HubUnreachable, match="not the Hugging Face hub"):
        take(hub, tmp_path)
    assert files_in(tmp_path) == before


@pytest.mark.fault(19, 46)
def test_the_commit_of_a_missing_file_is_never_a_path(hub, tmp_path, monkeypatch):
    """huggingface_hub writes an empty file for each file that is missing in a commit."""

    def describe_then_delete(handler, folder, repo):
        describe(handler, folder, repo)
        (folder / "config.json").unlink()

    describe = Handler.describe
    monkeypatch.setattr(Handler, "describe", describe_then_delete)
    hub.headers["X-Repo-Commit"] = str(tmp_path / "owned")
    before = files_in(tmp_path)
    with pytest.raises(ModelNotFound):
        take(hub, tmp_path)
    assert files_in(tmp_path) < before


@pytest.mark.fault(19)
@pytest.mark.parametrize("size", ["big", [1], {}, float("nan"), float("inf"), 1e300, -1, True, None, 2**53, 10**19])
def test_a_size_that_is_no_number_of_bytes_is_503_with_the_size(hub, tmp_path, size):
    hub.described["file.size"] = size
    with pytest.raises(HubUnreachable, match=f"size of config.json is {re.escape(repr(size))}"):
        sizes_of(options(hub, tmp_path), REPO, None)
    with pytest.raises(HubUnreachable):
        take(hub, tmp_path)
    assert not [path for path in hub.asked if "resolve" in path]


@pytest.mark.fault(19)
@pytest.mark.parametrize("commit", [None, "", "..", "../../x", "main", [1], "\ud800"])
def test_a_commit_that_is_no_hash_is_503(hub, tmp_path, commit):
    hub.described["sha"] = commit
    with pytest.raises(HubUnreachable):
        take(hub, tmp_path)
    assert not [path for path in hub.asked if "resolve" in path]


@pytest.mark.fault(19)
@pytest.mark.parametrize("size", ["1", "-5", "abc", "1" + 19 * "0"])
def test_a_file_of_another_size_than_the_listed_one_is_not_downloaded(hub, tmp_path, size):
    hub.headers["X-Linked-Size"] = size
    with pytest.raises(HubUnreachable, match=f"a file has {size} bytes, .* are listed"):
        take(hub, tmp_path)
    assert not [path for path in hub.asked if path.startswith("GET /team")]


@pytest.mark.fault(19)
def test_a_file_that_is_too_large_to_be_read_is_not_downloaded(hub, tmp_path):
    (hub.repos[REPO] / "config.json").write_bytes(b" " * (2**20 + 1))
    with pytest.raises(ModelTooLarge, match=r"config.json of team/tiny is 1,048,577 bytes: at most 1,048,576 are read"):
        take(hub, tmp_path)
    assert not [path for path in hub.asked if "resolve" in path]


@pytest.mark.fault(19, 46)
def test_a_file_that_is_longer_than_listed_is_stopped_and_deleted(hub, tmp_path):
    hub.endless = "GET /team/tiny/resolve/main/config.json"
    with pytest.raises(HubUnreachable, match=r"config.json has more than the [\d,]+ bytes that are listed"):
        take(hub, tmp_path)
    assert hub.sent < 2**25
    assert not [name for name in files_in(tmp_path / "cache") if "blobs" in name]


@pytest.mark.fault(19, 40)
def test_an_answer_without_an_end_is_503_and_not_kept_in_memory(hub, tmp_path):
    hub.endless = "GET /api"
    with pytest.raises(HubUnreachable, match="it has more than 4,194,304 bytes"):
        sizes_of(options(hub, tmp_path), REPO, None)
    assert hub.sent < 2**25


@pytest.mark.fault(19, 40)
def test_a_compressed_answer_is_503_and_not_decompressed(hub, tmp_path, monkeypatch):
    """One block of a few kilobytes can become gigabytes."""
    described = json.dumps({"id": REPO, "sha": COMMIT, "siblings": []}).encode()
    monkeypatch.setattr(
        Handler,
        "describe",
        lambda handler, *_: handler.say(200, {"Content-Encoding": "gzip"}, gzip.compress(described)),
    )
    with pytest.raises(HubUnreachable, match=r"compressed \(gzip\), which was not asked for"):
        sizes_of(options(hub, tmp_path), REPO, None)


@pytest.mark.fault(19, 43)
@pytest.mark.parametrize("drips", ["GET /api", "HEAD /team"])
def test_an_answer_that_is_not_complete_in_time_is_503(hub, tmp_path, monkeypatch, drips):
    """The first 300 bytes, with the headers, arrive one by one, each long before a timeout."""
    monkeypatch.setattr(hub_limits, "ANSWER_SECONDS", 0.2)
    hub.drips = drips
    with pytest.raises(HubUnreachable, match=r"not complete after 0.2 s"):
        take(hub, tmp_path)
    assert not hub.dripped


@pytest.mark.fault(19, 43)
def test_the_cached_files_are_used_if_the_hub_is_too_slow(hub, tmp_path, monkeypatch):
    there = take(hub, tmp_path)
    monkeypatch.setattr(hub_limits, "ANSWER_SECONDS", 0.2)
    hub.drips = "GET /api"
    assert take(hub, tmp_path) == there


@pytest.mark.fault(19, 43)
def test_a_download_that_stands_still_ends(hub, tmp_path, monkeypatch):
    monkeypatch.setattr(hub_limits, "SLOW_SECONDS", 0.2)
    hub.drips = "GET /team/tiny/resolve/main/config.json"
    with pytest.raises(HubUnreachable, match=r"only \d+ bytes arrived"):
        take(hub, tmp_path)
    assert not hub.dripped


@pytest.mark.fault(19, 43)
def test_a_download_that_drips_is_cancelled_at_the_next_byte(hub, tmp_path):
    """The third byte is the last, until the client has left."""
    progress, left, bytes_sent = WorkProgress(), threading.Event(), []

    def cancel():
        bytes_sent.append(1)
        progress.stop(cancelled(downloads=True))
        if len(bytes_sent) == 3:
            left.wait(5)

    hub.drips, hub.on_drip = "GET /team/tiny/resolve/main/config.json", cancel
    with pytest.raises(DownloadCancelled):
        take(hub, tmp_path, progress)
    assert len(bytes_sent) <= 3
    left.set()
