import csv
import io
import json

import numpy as np
import pyarrow.parquet
import pytest
from typer.testing import CliRunner

from headscope.analysis.scores import per_head
from headscope.analysis.table import BY_NAME, ROW_SCORES
from headscope.capture.capture import run
from headscope.cli.command import cli

TEXT = "The cat sat on the mat, and the cat ran."


@pytest.fixture
def scores(models_dir):
    def invoke(*arguments, model="local:gpt2"):
        command = ["scores", "--models-dir", str(models_dir), "--model", model, *map(str, arguments)]
        return CliRunner().invoke(cli, command)

    return invoke


@pytest.fixture
def expected(loaded):
    """name -> the values of all heads, layer by layer."""
    values = per_head(run(loaded("local:gpt2"), TEXT), ROW_SCORES)
    return {name: value.flatten() for name, value in zip(BY_NAME, values, strict=True)}


def test_csv_has_a_row_for_each_head_and_an_empty_field_for_an_undefined_score(scores, expected, tmp_path):
    assert scores(TEXT, "-o", tmp_path / "a.csv").exit_code == 0
    rows = list(csv.DictReader(io.StringIO((tmp_path / "a.csv").read_text())))
    assert [row["layer"] + row["head"] for row in rows[:5]] == ["00", "01", "02", "03", "10"]
    assert list(rows[0]) == ["layer", "head", *BY_NAME, "roles"]
    for name, values in expected.items():
        found = [float(row[name]) if row[name] else np.nan for row in rows]
        np.testing.assert_allclose(found, values, atol=1e-6)


def test_json_and_parquet_contain_the_same(scores, expected, tmp_path):
    output = json.loads(scores(TEXT, "--names", "first,delimiter").stdout)
    assert list(output[0]) == ["layer", "head", "first", "delimiter", "roles"]
    np.testing.assert_allclose([row["first"] for row in output], expected["first"], atol=1e-6)
    assert output[0]["delimiter"] is None
    assert scores(TEXT, "-o", tmp_path / "a.parquet").exit_code == 0
    table = pyarrow.parquet.read_table(tmp_path / "a.parquet")
    np.testing.assert_allclose(table["entropy"].to_pylist(), expected["entropy"], atol=1e-6)
    assert table["delimiter"].null_count == 12


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((TEXT, "--names", "charm"), "--names: 'charm' is not a score; choose from entropy,"),
        ((TEXT, "--names", "first,first"), "--names: name each score once"),
        ((TEXT, "-o", "a.npz"), "use the ending .json, .csv, .parquet, or give --format"),
        (("",), "text is empty"),
    ],
)
def test_an_invalid_argument_is_printed_as_one_line(scores, arguments, message):
    result = scores(*arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_the_delimiter_heads_of_an_encoder_are_named(scores):
    held = [row["roles"].split() for row in json.loads(scores("The cat sat on the mat.", model="minilm").stdout)]
    assert sum("delimiter" in roles for roles in held) > 5
    assert any("previous" in roles for roles in held)
