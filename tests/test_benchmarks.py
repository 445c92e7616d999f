"""The report of the benchmarks depends on the results alone."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest
from transformers import GPT2Config, GPT2Model, LlamaConfig, LlamaModel

from benchmarks import gpu
from benchmarks.http_client import parsed
from benchmarks.load import percentile
from benchmarks.measurements import Point, Row
from benchmarks.paths import ROOT
from benchmarks.report import readme
from benchmarks.results import Result, load, save
from benchmarks.samples import Sample, growth, numbers
from benchmarks.server import checkout
from benchmarks.soak import Soak, verdict
from benchmarks.types import EXACT, TYPES, exact
from benchmarks.types_report import BEGIN, DOCUMENT, END, reason_in, report
from headscope.models.types import REFUSED_TYPES, SHOWN

MACHINE = {"processor": "2 cores", "date": "2026-01-02"}


def lines(results):
    return readme(results, ("grid", "wire")).splitlines()


def test_a_row_with_a_target_says_whether_it_was_reached():
    result = Result(
        MACHINE, [Row("speed", "4 s", "<= 3 s", "others 9 s", reached=False), Row("size", "1 B", "2 B", reached=True)]
    )
    assert "| speed | <= 3 s | 4 s | **no** | others 9 s |" in lines({"grid": result})
    assert "| size | 2 B | 1 B | yes |  |" in lines({"grid": result})


def test_a_kind_that_was_not_measured_has_an_empty_cell():
    points = [Point("ours", 8, 0.5, 10**6), Point("theirs", 8, 1, 10**7), Point("ours", 1024, 20, 10**8)]
    assert lines({"grid": Result(MACHINE, points=points)})[-6:-4] == [
        "| 8 | 0.50 s, 1 MB | 1.00 s, 10 MB |",
        "| 1,024 | 20.0 s, 100 MB |  |",
    ]


def test_rows_without_a_target_are_in_a_section_of_their_own():
    text = readme(
        {"gpu": Result(MACHINE, [Row("GPU", "not measured: no accelerator was available")])}, ("gpu",)
    ).splitlines()
    assert text[text.index("## On a GPU") + 4] == "| GPU | not measured: no accelerator was available |  |"


def test_the_benchmark_of_a_gpu_runs_with_tiny_models_on_any_device():
    shapes = (
        gpu.Shape("a GPT-2", GPT2Model, GPT2Config(vocab_size=256, n_positions=24, n_layer=1, n_head=2, n_embd=16)),
        gpu.Shape(
            "a Llama", LlamaModel,
            LlamaConfig(
                vocab_size=256, hidden_size=32, intermediate_size=16, num_hidden_layers=1, num_attention_heads=4,
                num_key_value_heads=2,
            ),
        ),
    )  # fmt: skip
    found = list(gpu.measured("cpu", shapes, (8, 24), budget=0))
    assert [row.what for row in found if "capture" in row.what] == [
        f"GPU: capture of {model} in {dtype}, {tokens} tokens"
        for model in ("a GPT-2", "a Llama")
        for dtype in ("float32", "bfloat16")
        for tokens in (8, 24)
    ]
    assert len(found) == 3 * 8
    assert all("x the forward" in row.measured and "SDPA forward" in row.comparison for row in found[::3])


def test_the_models_that_are_measured_on_a_gpu_have_the_sizes_that_the_report_names():
    _, llama = (shape.config for shape in gpu.SHAPES)
    assert (llama.num_hidden_layers, llama.num_attention_heads, llama.num_key_value_heads) == (16, 32, 8)
    assert all(shape.config.max_position_embeddings >= max(gpu.SIZES) for shape in gpu.SHAPES)


def test_without_a_gpu_the_report_says_that_nothing_was_measured(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert [row.measured for row in gpu.rows(quick=False)] == ["not measured: no accelerator was available"]


def test_every_benchmark_with_rows_without_a_target_has_a_section():
    for name in ("grid", "capture", "studies", "precision", "pictures", "gpu", "soak"):
        assert "| other | 4 s |  |" in readme({name: Result(MACHINE, [Row("other", "4 s")])}, (name,))


def test_each_machine_is_listed_with_the_benchmarks_that_ran_on_it():
    results = {"wire": Result({"processor": "8 cores"}), "grid": Result(MACHINE, load=2.5)}
    assert lines(results)[-2:] == [
        "- grid (load 2.5): processor: 2 cores; date: 2026-01-02.",
        "- wire (load 0.0): processor: 8 cores.",
    ]


def test_saved_results_are_loaded_unchanged(tmp_path):
    results = {"grid": Result(MACHINE, [Row("speed", "4 s")], [Point("ours", 8, 0.5, 10)], 2.5)}
    save(tmp_path / "results.json", results)
    assert load(tmp_path / "results.json") == results
    assert load(tmp_path / "none.json") == {}


@pytest.mark.parametrize("name", ["exactness", "precision", "roles", "rules", "wire"])
def test_a_benchmark_without_other_processes_still_runs(name):
    rows = list(import_module(f"benchmarks.{name}").rows(quick=True))
    assert rows
    assert all(row.what and row.measured for row in rows)


def test_servers_are_measured_with_the_code_of_this_checkout(tmp_path):
    command = [sys.executable, "-c", "import headscope; print(headscope.__file__)"]
    found = subprocess.check_output(command, cwd=tmp_path, text=True, env={**os.environ, "PYTHONPATH": str(checkout())})
    assert Path(found.strip()).is_relative_to(checkout())
    assert Path(found.strip()).samefile(ROOT / "app" / "__init__.py")


def test_growth_is_from_the_first_to_the_last_third_after_the_warm_up():
    times = [float(second) for second in range(0, 100, 10)]
    found = growth(times, [0, 0, 10, 10, 12, 14, 16, 18, 20, 22])
    assert (found.first, found.last, found.count()) == (10, 21, "10 -> 21")
    assert 0.1 * 3600 < found.per_hour < 0.3 * 3600
    assert growth(times, [7.0] * 10).share == 0


def test_a_percentile_is_a_value_that_so_many_do_not_exceed():
    assert [percentile([3, 1, 2, 4], share) for share in (0.25, 0.5, 0.99, 1)] == [1, 2, 4, 4]


def test_a_chunked_response_is_put_together():
    received = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    assert (parsed(received).status, parsed(received).body) == (200, b"abcde")
    with pytest.raises(ConnectionResetError):
        parsed(b"HTTP/1.1 2")


def test_metrics_of_the_server_are_read_without_those_of_requests():
    text = 'headscope_captures 3.0\n# HELP x\nheadscope_requests_total{route="/"} 5.0\n'
    text += 'headscope_waiting{for="model"} 1.0\n'
    assert numbers(text) == {"headscope_captures": 3, 'headscope_waiting{for="model"}': 1}


def test_the_verdict_of_the_soak_names_what_grows():
    def soaked(leak):
        samples = [
            Sample(5.0 * n, rss=10**9 + n * leak, children=10**8, threads=9, files=30, processes=1, metrics=METRICS)
            for n in range(60)
        ]
        return [row.measured for row in verdict(Soak(samples), 5, None)][-1]

    assert soaked(0) == "flat"
    assert soaked(10**7) == "not reached: memory"


METRICS = {"headscope_connections": 1.0, "headscope_capture_bytes": 8.0, "headscope_captures": 1.0}


def test_the_document_says_what_happens_with_every_type_on_the_lists():
    found = json.loads(TYPES.read_text())
    assert found.keys() == SHOWN
    lists = DOCUMENT.read_text().partition(BEGIN)[2].partition(END)[0]
    assert lists.strip() == report(found)
    assert all(f" {name} " in f"{lists} ".replace("\n", " ").replace(":", " ") for name in SHOWN | REFUSED_TYPES.keys())


@pytest.mark.parametrize(
    ("remark", "expected"),
    [
        ("compare: UnsupportedModel: its maps: none | `x`", "its maps: none x"),
        ("it takes more than 120 s", "it takes more than 120 s"),
        ("load_from_files: ValueError: " + "words " * 40, "words " * 26 + "..."),
    ],
    ids=["an error", "too slow", "long"],
)
def test_the_reason_of_a_type_is_the_message_alone_cut_at_a_word(remark, expected):
    assert reason_in(remark) == expected


def test_a_type_is_exact_if_its_patterns_and_its_output_are():
    assert exact({"pattern": EXACT, "output": 0.0})
    assert not exact({"pattern": 0.0, "output": 2 * EXACT})
    assert not exact({"remark": "it cannot be built"})
