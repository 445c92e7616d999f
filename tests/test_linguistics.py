"""Dependency heads and their report: a treebank, alignment, and evaluations with answers worked out by hand."""

import numpy as np
import pytest
import torch
import typer
from treebanks import ANN, CATS, DOGS, HEADER, capture_of, conllu, tokens_at
from typer.testing import CliRunner

from benchmarks import dependencies, linguistics
from benchmarks.dependencies import Evaluation, attended_most, best_offset, by_relation, evaluate_sentence, relation_row
from benchmarks.report import readme
from benchmarks.results import Result, Row
from benchmarks.selection import best
from benchmarks.treebank import Arc, sentences

# The treebank


def test_words_of_a_range_have_their_own_spans_and_an_omitted_word_has_none():
    (found,) = sentences(DOGS)
    assert [found.text[start:end] for start, end in found.spans] == ["Dogs", "do", "n't", "eat", "it", "."]
    assert found.spans[1:3] == [(5, 7), (7, 10)]


def test_arcs_have_no_root_punctuation_or_subtypes():
    (found,) = sentences(DOGS)
    assert found.arcs == [Arc(0, 3, "nsubj"), Arc(1, 3, "aux"), Arc(2, 3, "advmod"), Arc(4, 3, "obj")]
    assert [arc.offset for arc in found.arcs] == [3, 2, 1, -1]


def test_a_repeated_word_gets_the_span_of_its_own_occurrence():
    *_, found = sentences(f"{DOGS}\n{CATS.replace('The', 'the')}\n\n")
    assert found.spans == [(0, 3), (4, 7), (8, 11), (12, 14), (15, 18), (19, 22), (22, 23)]


def test_words_that_do_not_add_up_to_their_range_share_its_span():
    (found,) = sentences(conllu("del mar", "1-2 del 0 _", "1 de 3 case", "2 el 3 det", "3 mar 0 root"))
    assert found.spans == [(0, 3), (0, 3), (4, 7)]


def test_a_line_separator_in_a_text_does_not_end_the_line():
    (found,) = sentences(
        "# text = a\u2028b\n1	a	_	_	_	_	0	root\n2	b	_	_	_	_	1	dep\n"
    )
    assert found.spans == [(0, 1), (2, 3)]


@pytest.mark.parametrize("text", ["# text = Dogs eat it.", "# text = Dogs don't really eat it.", "# no text"])
def test_words_that_are_not_in_the_text_are_an_error(text):
    with pytest.raises(ValueError, match=r"does not come next|without a line"):
        list(sentences(DOGS.replace("# text = Dogs don't eat it.", text)))


# Dependency heads


def test_each_word_has_a_most_attended_word_and_a_most_attending_word():
    pattern = torch.tensor([[[0.6, 0.3, 0.1], [0.2, 0.1, 0.7], [0.5, 0.4, 0.1]]])
    assert attended_most(pattern).tolist() == [[[1, 2, 0]], [[2, 2, 1]]]


def test_in_a_causal_model_the_first_word_attends_to_none_and_none_to_the_last():
    pattern = torch.tensor([[[1, 0, 0], [0.4, 0.6, 0], [0.1, 0.7, 0.2]]])
    assert attended_most(pattern).tolist() == [[[-1, 0, 1]], [[1, 2, -1]]]


def test_attention_to_the_tokens_of_a_word_is_summed_without_special_tokens():
    """[CLS] cat ##s eat. In head 0, eat attends most to Cats only as a sum of two tokens; in head 1, not at all."""
    (sentence,) = sentences(
        "# text = Cats eat\n1	Cats	_	_	_	_	2	nsubj\n2	eat	_	_	_	_	0	root\n"
    )
    tokens = tokens_at(None, (0, 3), (3, 4), (5, 8))
    looks = [[1, 0, 0, 0], [0.9, 0, 0, 0.1], [0.8, 0, 0.2, 0], [0.4, 0.2, 0.3, 0.1]]
    not_at_all = np.eye(4)
    arcs, right = evaluate_sentence(capture_of(tokens, [looks, not_at_all]), sentence)
    assert arcs == [Arc(0, 1, "nsubj")]
    assert right.tolist() == [[[[True, False]], [[True, False]]]]  # n, direction, layer, head


def test_a_head_is_right_in_the_direction_in_which_it_attends():
    """The cat sat: det(The, cat), nsubj(cat, sat). Head 0 attends to the next word, head 1 to the previous word."""
    (sentence,) = sentences(conllu("The cat sat", "1 The 2 det", "2 cat 3 nsubj", "3 sat 0 root"))
    tokens = tokens_at(*sentence.spans)
    on, back = [[0, 1, 0], [0, 0, 1], [0, 0, 1]], [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    arcs, right = evaluate_sentence(capture_of(tokens, [on, back], [back, on]), sentence)
    assert [arc.relation for arc in arcs] == ["det", "nsubj"]
    one_layer, other = [True, False], [False, True]
    assert right.tolist() == [[[one_layer, other], [other, one_layer]]] * 2


def test_words_without_their_own_token_are_skipped():
    """The tokens of `don't` are `don`, which ends in `n't`, and `'t`: `do` has no token."""
    (sentence,) = sentences(DOGS)
    tokens = tokens_at((0, 4), (5, 8), (8, 10), (11, 14), (15, 17), (17, 18))
    arcs, right = evaluate_sentence(capture_of(tokens, [np.eye(6)]), sentence)
    assert [arc.relation for arc in arcs] == ["nsubj", "advmod", "obj"]
    assert right.shape == (3, 2, 1, 1)


def instances(offsets, relations=None, right=None):
    """One instance for each sentence."""
    count = len(offsets)
    blank = np.zeros((count, 2, 1, 2), dtype=bool) if right is None else right
    names = np.array(relations or ["obj"] * count)
    return Evaluation(names, np.array(offsets), np.arange(count) + 1, blank, count, 0, 0)


def test_the_baseline_is_the_offset_that_is_most_often_right():
    offset, found = best_offset(instances([1, 1, 1, -2]))
    assert (offset, found.accuracy, found.held_out) == (1, 0.75, 0.5)


def test_a_choice_on_the_odd_half_is_evaluated_on_the_even_half():
    right = np.array([[True, False], [False, True], [True, False], [False, True], [False, True], [True, True]])
    found = best(right, np.array([True, False] * 3))
    assert (found.which, found.accuracy) == ((1,), 4 / 6)
    assert found.held_out == 1 / 3  # choice 0 is best in the odd half


def test_relations_with_fewer_than_100_instances_are_skipped():
    found = instances([1] * 203, ["obj"] * 100 + ["iobj"] * 99 + ["_"] * 4)
    assert [(name, len(some.offsets)) for name, some in by_relation(found)] == [("obj", 100)]


def test_the_row_of_a_causal_model_says_how_many_instances_are_visible():
    right = np.zeros((4, 2, 1, 2), dtype=bool)
    right[[0, 2], 1, 0, 1] = True
    row = relation_row("m, obj", instances([1, 1, 2, -1], right=right), causal=True)
    assert row.what == "m, obj, 4 instances"
    assert row.measured == "50.0 % (0.0 %), layer 0 head 1, governor → dependent, 75.0 % visible"
    assert row.comparison == "50.0 % (50.0 %), offset +1"


def test_sentences_that_are_too_long_are_counted(loaded):
    long = CATS.replace("mat", "m" + "a" * 60 + "t")
    found = dependencies.evaluate(loaded("local:bert"), list(sentences(f"{CATS}\n{long}\n{CATS}")))
    assert (found.read, found.too_long, found.lost) == (3, 1, 0)
    assert found.relations.tolist() == ["det", "nsubj", "case", "det", "obl"] * 2
    assert found.numbers.tolist() == [1] * 5 + [3] * 5
    assert found.right.shape == (10, 2, 3, 4)


def test_a_causal_model_never_finds_a_later_word(loaded):
    found = dependencies.evaluate(loaded("local:gpt2"), list(sentences(CATS)))
    assert not found.right[found.offsets > 0, 0].any()
    assert not found.right[found.offsets < 0, 1].any()


# The report


def test_benchmarks_that_need_files_come_last():
    results = {name: Result({}, [Row(name, "4 s")]) for name in ("dependencies", "grid", "pronouns")}
    text = readme(results, ("grid",))
    positions = [text.index(f"| {name} | 4 s |") for name in ("grid", "dependencies", "pronouns")]
    assert positions == sorted(positions)
    assert "(`grid`)" in text


def test_both_files_are_evaluated_into_the_report(tmp_path, models_dir, monkeypatch):
    monkeypatch.setattr(linguistics, "CACHE", tmp_path)
    monkeypatch.setattr(linguistics, "facts", lambda: {"processor": "2 cores"})
    (tmp_path / "cats.conllu").write_text(f"{CATS}\n{DOGS}")
    (tmp_path / "gap.tsv").write_text(HEADER + ANN + ANN)
    options = ["--model", "local:bert", "--models-dir", str(models_dir), "--limit", "2"]
    files = ["--conllu", str(tmp_path / "cats.conllu"), "--gap", str(tmp_path / "gap.tsv")]
    done = runner().invoke(app(), [*files, *options])
    assert done.exit_code == 0, done.output
    text = (tmp_path / "README.md").read_text()
    assert "| local:bert: data | 2 sentences, 9 instances |" in text
    assert "| local:bert, all, 2 snippets |" in text


def test_without_a_file_the_error_names_the_options():
    done = runner().invoke(app(), [])
    assert done.exit_code == 2
    assert "--conllu, --gap" in done.output


def runner():
    return CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"})


def app():
    command = typer.Typer()
    command.command()(linguistics.main)
    return command
