import re
import sys
from pathlib import Path
from threading import current_thread

import pytest
import torch
from worlds import until

from headscope.capture import memory
from headscope.capture.memory import MemoryBlock

CPU = torch.device("cpu")


def test_copies_are_equal_contiguous_and_adjacent():
    block = MemoryBlock(30, torch.float32, CPU)
    strided = torch.arange(24.0).view(2, 3, 4).transpose(0, 1)
    first, second = block.keep(strided), block.keep(torch.full((6,), 7.0))
    assert torch.equal(first, strided)
    assert first.is_contiguous()
    assert second.data_ptr() == first.data_ptr() + 24 * 4
    assert (second == 7).all()


def test_a_copy_does_not_change_with_its_source():
    source = torch.ones(3)
    kept = MemoryBlock(3, torch.float32, CPU).keep(source)
    source.zero_()
    assert kept.tolist() == [1, 1, 1]


def test_the_memory_lives_as_long_as_its_tensors():
    kept = [
        MemoryBlock(1000, torch.float64, CPU).keep(torch.full((1000,), float(n), dtype=torch.float64))
        for n in range(50)
    ]
    assert [x.mean().item() for x in kept] == list(range(50))


def test_a_capture_fills_its_block_to_the_last_value(loaded, monkeypatch):
    from headscope.capture import capture

    made = []
    monkeypatch.setattr(capture, "MemoryBlock", lambda *sizes: made.append(MemoryBlock(*sizes)) or made[-1])
    kept = capture.run(loaded("local:bert"), "The cat sat.")
    assert made[0].used == made[0].values.numel()
    exact = sum(layer.exact_lse.numel() for layer in kept.layers) * 8
    assert kept.bytes == made[0].used * 4 + exact


@pytest.mark.fault(44)
def test_a_small_block_takes_no_mapping_of_its_own(monkeypatch):
    made, mapping = [], memory.Mapping
    monkeypatch.setattr(memory, "Mapping", lambda *sizes: made.append(sizes) or mapping(*sizes))
    small = MemoryBlock(1000, torch.float32, CPU).keep(torch.ones(1000))
    assert made == []
    large = MemoryBlock(memory.SMALL_BYTES, torch.float32, CPU).keep(torch.ones(memory.SMALL_BYTES))
    assert made == [(-1, 4 * memory.SMALL_BYTES, *memory.PRIVATE)]
    assert small.sum() == 1000
    assert large.sum() == memory.SMALL_BYTES


@pytest.mark.skipif(sys.platform != "linux", reason="reads the mappings of the process from /proc")
def test_the_system_may_take_huge_pages_for_a_large_block():
    """They are for private memory that asks for them: `hg` among the flags."""
    block = MemoryBlock(4 * memory.SMALL_BYTES, torch.float32, CPU)
    entries = re.split(r"^(?=[0-9a-f]+-[0-9a-f]+ )", Path("/proc/self/smaps").read_text(), flags=re.MULTILINE)
    found = next(entry for entry in entries[1:] if holds(entry, block.values.data_ptr()))
    assert found.split()[1] == "rw-p"
    assert "hg" in re.search("VmFlags: (.*)", found)[1].split()


def holds(entry, address):
    first, last = (int(number, 16) for number in entry.split()[0].split("-"))
    return first <= address < last


@pytest.mark.fault(41)
def test_a_large_block_is_unmapped_in_another_thread_once_no_tensor_uses_it(monkeypatch):
    """It takes long, and the event loop may drop the last reference."""
    threads, close, size = [], memory.Mapping.close, memory.SMALL_BYTES + 5

    def noted(mapping):
        if len(mapping) == 4 * size:  # not one that an earlier test has left
            threads.append(current_thread().name)
        close(mapping)

    monkeypatch.setattr(memory.Mapping, "close", noted)
    block = MemoryBlock(size, torch.float32, CPU)
    part = block.keep(torch.ones(size))[1:]
    del block
    assert (part.sum(), threads) == (size - 1, [])
    del part
    until(lambda: threads == ["unmapping"])
