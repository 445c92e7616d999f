"""Which changes of a model's files are noticed."""

import os

import pytest
from model_files import FILES, other_mode, write_unseen
from worlds import write_tiny

from headscope.models.file_states import differ, states_of

pytestmark = pytest.mark.fault(39)


@pytest.fixture
def folder(tmp_path):
    return write_tiny(tmp_path / "mine", "gpt2")


@pytest.mark.parametrize("name", FILES)
def test_a_change_of_any_file_of_a_model_changes_its_state(folder, name):
    before = states_of(folder, "local")
    assert not differ(before, states_of(folder, "local"))
    os.utime(folder / name, ns=(1, 1))
    assert differ(before, states_of(folder, "local"))


@pytest.mark.parametrize("source", ["local", "hub"])
def test_a_change_of_the_same_size_whose_time_is_set_back_is_noticed(folder, source):
    before = states_of(folder, source)
    write_unseen(folder / "config.json")
    assert differ(before, states_of(folder, source))


@pytest.mark.parametrize("source", ["local", "hub", "bundled"])
def test_another_mode_or_another_link_is_no_change_of_a_file(folder, tmp_path, source):
    path = folder / "config.json"
    for change in (lambda: other_mode(path), lambda: os.link(path, tmp_path / "copy"), (tmp_path / "copy").unlink):
        before = states_of(folder, source)
        change()
        assert not differ(before, states_of(folder, source))


def test_a_link_to_a_file_of_a_package_that_is_removed_again_is_no_change(folder, tmp_path):
    before = states_of(folder, "bundled")
    status = (folder / "config.json").stat()
    while (folder / "config.json").stat().st_ctime_ns == status.st_ctime_ns:
        os.link(folder / "config.json", tmp_path / "copy")
        (tmp_path / "copy").unlink()
    assert not differ(before, states_of(folder, "bundled"))
