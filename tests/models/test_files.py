"""Only regular files inside the folder of a model are opened; what the cache of the hub knows of them is checked."""

import hashlib
import os
import shutil
from pathlib import Path

import pytest
from fakehub import COMMIT, fake_hub
from model_files import CONFIG, FILES, TOKENIZER, WEIGHTS

from headscope.engine.progress import WorkProgress
from headscope.errors import CorruptModel
from headscope.models.file_names import TOKENIZER_OPTIONS
from headscope.models.files import ModelFolder, open_file
from headscope.models.hub import Hub, fetch
from headscope.models.loading import load
from headscope.records import ModelCard

CARD = ModelCard("local:x", "x", "", "local")
HUB_CARD = ModelCard("team/tiny", "tiny", "", "hub")


@pytest.fixture
def gpt2(models_dir, tmp_path):
    return Path(shutil.copytree(models_dir / "gpt2", tmp_path / "gpt2"))


@pytest.mark.fault(12, 46)
@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("fifo", "is a FIFO: it has to be a regular file"),
        ("folder", "is a folder: it has to be a regular file"),
        ("outside", "is a link to a file outside the model's folder"),
        ("loop", "cannot be read"),
    ],
)
def test_only_regular_files_inside_the_folder_are_read(gpt2, name, kind, expected):
    path, outside = gpt2 / name, gpt2.parent / name
    path.rename(outside)
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to(outside if kind == "outside" else path)
    with pytest.raises(CorruptModel, match=f"{name} {expected}"):
        load(gpt2, CARD)


@pytest.mark.fault(46)
@pytest.mark.parametrize("name", [TOKENIZER, *TOKENIZER_OPTIONS])
@pytest.mark.parametrize(
    ("target", "expected"),
    [("itself", "cannot be read"), ("nothing", "is a link to a file that does not exist: replace the link")],
)
def test_a_broken_link_is_refused_also_where_the_file_may_be_missing(gpt2, name, target, expected):
    (gpt2 / name).unlink(missing_ok=True)
    (gpt2 / name).symlink_to(name if target == "itself" else target)
    with pytest.raises(CorruptModel, match=f"{name} {expected}"):
        load(gpt2, CARD)


@pytest.mark.fault(46, decides=True)
def test_a_device_is_not_read():
    with pytest.raises(CorruptModel, match="null is a device: it has to be a regular file"):
        open_file(ModelFolder(Path("/dev")), "null")


@pytest.mark.fault(46)
def test_a_link_inside_the_folder_is_followed(gpt2):
    (gpt2 / "step-100").mkdir()
    (gpt2 / WEIGHTS).rename(gpt2 / "step-100" / WEIGHTS)
    (gpt2 / WEIGHTS).symlink_to(Path("step-100") / WEIGHTS)
    assert load(gpt2, CARD).card.state == "ready"


@pytest.mark.fault(12, 46)
@pytest.mark.parametrize("when", ["before", "between"])
def test_a_model_folder_that_has_been_replaced_by_a_link_is_not_followed(gpt2, monkeypatch, when):
    def swap():
        gpt2.rename(gpt2.parent / "elsewhere")
        gpt2.symlink_to(gpt2.parent / "elsewhere")

    resolve = Path.resolve
    if when == "before":
        swap()
    else:
        monkeypatch.setattr(Path, "resolve", lambda *given, **options: (resolve(*given, **options), swap())[0])
    with pytest.raises(CorruptModel, match=r"outside the model's folder|config\.json cannot be read: Not a directory"):
        open_file(ModelFolder(gpt2), CONFIG)


@pytest.mark.fault(46)
def test_a_folder_that_becomes_a_link_while_it_is_opened_is_not_followed(gpt2, monkeypatch):
    (gpt2 / "inner").mkdir()
    (gpt2 / CONFIG).rename(gpt2 / "inner" / CONFIG)
    (gpt2 / CONFIG).symlink_to(Path("inner") / CONFIG)
    resolve = Path.resolve

    def resolve_then_swap(path, strict=False):
        found = resolve(path, strict)
        if path.name == CONFIG:
            (gpt2 / "inner").rename(gpt2.parent / "elsewhere")
            (gpt2 / "inner").symlink_to(gpt2.parent / "elsewhere")
        return found

    monkeypatch.setattr(Path, "resolve", resolve_then_swap)
    with pytest.raises(CorruptModel, match=r"config\.json cannot be read: Not a directory"):
        open_file(ModelFolder(gpt2), CONFIG)


@pytest.mark.fault(46)
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (CONFIG, r"config.json is 10,737,418,240 bytes: at most 1,048,576 are read"),
        (TOKENIZER, r"tokenizer.json is 10,737,418,240 bytes: at most 67,108,864 are read"),
        (WEIGHTS, r"model.safetensors cannot be read: it has [\d,]+ bytes of weights, its header describes [\d,]+"),
    ],
)
def test_a_sparse_file_of_ten_gigabytes_is_not_read(gpt2, name, expected):
    os.truncate(gpt2 / name, 10 * 2**30)
    with pytest.raises(CorruptModel, match=expected):
        load(gpt2, CARD)


@pytest.mark.fault(46)
@pytest.mark.parametrize("name", FILES)
def test_an_unreadable_file_is_a_refused_model(gpt2, name, monkeypatch):
    really_open = os.open

    def refuse(path, *arguments, **options):  # the tests may run as root, who can read everything
        if path == name:
            raise PermissionError(13, "Permission denied")
        return really_open(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    monkeypatch.setattr(os, "supports_dir_fd", {refuse})
    with pytest.raises(CorruptModel, match=f"{name} cannot be read: Permission denied"):
        load(gpt2, CARD)


def in_cache(folder, cache):
    """The folder as a snapshot in the cache of the hub."""
    with fake_hub(team__tiny=folder) as hub:
        found = fetch(Hub(1, endpoint=hub.url, cache=cache), "team/tiny", None, WorkProgress(), lambda _: None)
    assert found.name == COMMIT
    return found


@pytest.mark.fault(46, 50)
def test_a_model_in_the_cache_of_the_hub_consists_of_links_and_is_verified(gpt2, tmp_path):
    folder = in_cache(gpt2, tmp_path / "cache")
    assert all((folder / name).is_symlink() for name in FILES)
    assert load(folder, HUB_CARD).card.verified is True
    with pytest.raises(CorruptModel, match="a link to a file outside"):
        load(folder, CARD)


@pytest.mark.fault(46)
def test_a_link_out_of_the_repository_in_the_cache_of_the_hub_is_not_followed(gpt2, tmp_path):
    folder = in_cache(gpt2, tmp_path / "cache")
    (folder / CONFIG).unlink()
    (folder / CONFIG).symlink_to(gpt2 / CONFIG)
    with pytest.raises(CorruptModel, match="a link to a file outside"):
        load(folder, HUB_CARD)


@pytest.mark.fault(15, 50)
@pytest.mark.parametrize("name", FILES)
def test_a_flipped_bit_in_the_cache_of_the_hub_is_noticed(gpt2, tmp_path, name):
    folder = in_cache(gpt2, tmp_path / "cache")
    data = bytearray((folder / name).read_bytes())
    place = data.index(b"0.1") + 2 if name == CONFIG else -2
    data[place] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(CorruptModel, match=rf"{name} .*(the published file|damaged)"):
        load(folder, HUB_CARD)


@pytest.mark.fault(50)
def test_a_small_file_in_the_cache_is_named_after_its_git_hash(gpt2, tmp_path):
    folder = in_cache(gpt2, tmp_path / "cache")
    blob = (folder / CONFIG).resolve()
    name = "f3f1c27b5ee9ed4b0bd1b3f8f1e4c4ab1c3cbb6f"
    blob.rename(blob.with_name(name))
    (folder / CONFIG).unlink()
    (folder / CONFIG).symlink_to(blob.with_name(name))
    with pytest.raises(CorruptModel, match=f"its hash is [0-9a-f]{{40}}, that of the hub is {name}"):
        load(folder, HUB_CARD)


@pytest.mark.fault(50)
@pytest.mark.parametrize(("sha256", "verified"), [(None, False), ("of the file", True)])
def test_the_card_says_whether_the_hash_of_the_weights_was_known(gpt2, sha256, verified):
    known = sha256 and hashlib.sha256((gpt2 / WEIGHTS).read_bytes()).hexdigest()
    assert load(gpt2, CARD, sha256=known).card.verified is verified
