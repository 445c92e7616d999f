"""One table in three formats."""

import csv
import io
import json
from dataclasses import replace
from typing import get_args

import pyarrow.parquet
import pytest

from headscope.capture.capture import run
from headscope.export.dump import Selection
from headscope.export.tables import WRITERS, cell, weights_csv, write_table
from headscope.records import TableFormat

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


def test_every_table_format_has_a_writer_and_others_are_refused():
    assert set(WRITERS) == set(get_args(TableFormat))
    with pytest.raises(ValueError, match="'tsv': choose one of json, csv, parquet"):
        write_table(COLUMNS, "tsv")


@pytest.mark.parametrize("format_", ["csv", "json", "parquet"])
def test_columns_of_different_lengths_are_refused(format_):
    with pytest.raises(ValueError, match=r"argument|length"):
        write_table({"layer": [0, 1], "head": [0]}, format_)


@pytest.mark.parametrize(
    ("label", "written"),
    [
        ('=HYPERLINK("http://x")', '\'=HYPERLINK("http://x")'),
        ("@SUM(1)", "'@SUM(1)"),
        ("-1", "'-1"),
        ("+a", "'+a"),
        ("=", "="),
        ("-", "-"),
        ("·=1", "·=1"),
        ("a=1", "a=1"),
    ],
)
def test_a_label_that_a_spreadsheet_would_compute_gets_an_apostrophe(label, written):
    assert cell(label) == written


def test_labels_in_a_csv_file_are_no_formulas(loaded):
    capture = run(loaded("gpt2-mini"), "the cat")
    formula = replace(capture.tokens[0], text="=1+1")
    capture = replace(capture, tokens=(formula, *capture.tokens[1:]))
    chunks = weights_csv(capture, Selection("self", [0], [0], 0), "pattern", 3, lambda _: None)
    first = list(csv.reader(io.StringIO(b"".join(chunks).decode())))[1]
    assert (first[3], first[5]) == ("'=1+1", "'=1+1")
