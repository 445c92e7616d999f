import torch

from headscope.capture.memory import Arena

CPU = torch.device("cpu")


def test_what_is_kept_is_equal_contiguous_and_side_by_side():
    arena = Arena(30, torch.float32, CPU)
    strided = torch.arange(24.0).view(2, 3, 4).transpose(0, 1)
    first, second = arena.keep(strided), arena.keep(torch.full((6,), 7.0))
    assert torch.equal(first, strided)
    assert first.is_contiguous()
    assert second.data_ptr() == first.data_ptr() + 24 * 4
    assert (second == 7).all()


def test_what_is_kept_does_not_follow_its_source():
    source = torch.ones(3)
    kept = Arena(3, torch.float32, CPU).keep(source)
    source.zero_()
    assert kept.tolist() == [1, 1, 1]


def test_the_memory_lives_as_long_as_what_is_kept():
    kept = [Arena(1000, torch.float64, CPU).keep(torch.full((1000,), float(n), dtype=torch.float64)) for n in range(50)]
    assert [x.mean().item() for x in kept] == list(range(50))


def test_a_capture_fills_its_arena_to_the_last_value(loaded, monkeypatch):
    from headscope.capture import capture

    made = []
    monkeypatch.setattr(capture, "Arena", lambda *sizes: made.append(Arena(*sizes)) or made[-1])
    kept = capture.run(loaded("local:bert"), "The cat sat.")
    assert made[0].used == made[0].room.numel()
    assert kept.bytes == made[0].used * 4
