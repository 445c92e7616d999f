"""The report of the benchmarks is made from their results alone."""

from benchmarks.figures import Point, Row
from benchmarks.report import readme
from benchmarks.results import Result, load, save

MACHINE = {"processor": "2 cores", "date": "2026-01-02"}


def lines(results):
    return readme(results, ("grid", "wire")).splitlines()


def test_a_row_that_was_asked_for_says_whether_it_was_reached():
    result = Result(
        MACHINE, [Row("speed", "4 s", "<= 3 s", "others 9 s", met=False), Row("size", "1 B", "2 B", met=True)]
    )
    assert "| speed | <= 3 s | 4 s | **no** | others 9 s |" in lines({"grid": result})
    assert "| size | 2 B | 1 B | yes |  |" in lines({"grid": result})


def test_a_kind_that_had_no_room_leaves_its_place_empty():
    points = [Point("ours", 8, 0.5, 10**6), Point("theirs", 8, 1, 10**7), Point("ours", 1024, 20, 10**8)]
    assert lines({"grid": Result(MACHINE, points=points)})[-6:-4] == [
        "| 8 | 0.50 s, 1 MB | 1.00 s, 10 MB |",
        "| 1,024 | 20.0 s, 100 MB |  |",
    ]


def test_what_nothing_was_asked_of_stands_in_a_section_of_its_own():
    told = readme({"gpu": Result(MACHINE, [Row("GPU", "not measured: no accelerator")])}, ("gpu",)).splitlines()
    assert told[told.index("## On a GPU") + 4] == "| GPU | not measured: no accelerator |  |"


def test_every_benchmark_with_rows_that_were_not_asked_for_has_a_place_for_them():
    for name in ("grid", "capture", "studies", "precision", "pictures", "gpu"):
        assert "| beside | 4 s |  |" in readme({name: Result(MACHINE, [Row("beside", "4 s")])}, (name,))


def test_each_machine_is_named_with_what_was_measured_on_it():
    results = {"wire": Result({"processor": "8 cores"}), "grid": Result(MACHINE, load=2.5)}
    assert lines(results)[-2:] == [
        "- grid (load 2.5): processor: 2 cores; date: 2026-01-02.",
        "- wire (load 0.0): processor: 8 cores.",
    ]


def test_results_come_back_as_they_were_kept(tmp_path):
    results = {"grid": Result(MACHINE, [Row("speed", "4 s")], [Point("ours", 8, 0.5, 10)], 2.5)}
    save(tmp_path / "results.json", results)
    assert load(tmp_path / "results.json") == results
    assert load(tmp_path / "none.json") == {}
