"""One table in three formats."""

import csv
import io
import json

import pyarrow.parquet
import pytest

from headscope.export.tables import write_table

COLUMNS = {"layer": [0, 1], "score": [0.25, None], "roles": ["first, broad", ""]}


def test_csv_quotes_commas_and_leaves_missing_values_empty():
    rows = list(csv.reader(io.StringIO(write_table(COLUMNS, "csv").decode())))
    assert rows == [["layer", "score", "roles"], ["0", "0.25", "first, broad"], ["1", "", ""]]


def test_json_is_a_list_of_objects():
    body = write_table(COLUMNS, "json")
    assert json.loads(body) == [
        {"layer": 0, "score": 0.25, "roles": "first, broad"},
        {"layer": 1, "score": None, "roles": ""},
    ]
    assert body.endswith(b"\n")


def test_parquet_keeps_the_columns_and_missing_values():
    assert pyarrow.parquet.read_table(io.BytesIO(write_table(COLUMNS, "parquet"))).to_pydict() == COLUMNS


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_columns_of_different_lengths_are_refused(format_):
    with pytest.raises(ValueError, match=r"argument|length"):
        write_table({"layer": [0, 1], "head": [0]}, format_)
