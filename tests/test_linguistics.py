"""Dependency heads, and the report: a treebank, alignment and judgements whose answers are known by hand."""

import numpy as np
import pytest
import torch
import typer
from treebanks import ANN, CATS, DOGS, HEADER, capture_of, conllu, tokens_at
from typer.testing import CliRunner

from benchmarks import dependencies, linguistics
from benchmarks.choosing import best
from benchmarks.dependencies import Judged, best_offset, by_relation, judge, looked_at, relation_row
from benchmarks.report import readme
from benchmarks.results import Result, Row
from benchmarks.treebank import Arc, sentences

# The treebank


def test_words_of_a_range_have_their_own_places_and_a_word_left_out_has_none():
    (found,) = sentences(DOGS)
    assert [found.text[start:end] for start, end in found.places] == ["Dogs", "do", "n't", "eat", "it", "."]
    assert found.places[1:3] == [(5, 7), (7, 10)]


def test_arcs_are_without_root_punctuation_and_subtypes():
    (found,) = sentences(DOGS)
    assert found.arcs == [Arc(0, 3, "nsubj"), Arc(1, 3, "aux"), Arc(2, 3, "advmod"), Arc(4, 3, "obj")]
    assert [arc.offset for arc in found.arcs] == [3, 2, 1, -1]


def test_a_word_that_comes_twice_is_found_where_it_comes():
    *_, found = sentences(f"{DOGS}\n{CATS.replace('The', 'the')}\n\n")
    assert found.places == [(0, 3), (4, 7), (8, 11), (12, 14), (15, 18), (19, 22), (22, 23)]


def test_words_that_their_range_does_not_spell_out_share_its_place():
    (found,) = sentences(conllu("del mar", "1-2 del 0 _", "1 de 3 case", "2 el 3 det", "3 mar 0 root"))
    assert found.places == [(0, 3), (0, 3), (4, 7)]


def test_a_line_separator_within_a_text_does_not_end_its_line():
    (found,) = sentences(
        "# text = a\u2028b\n1	a	_	_	_	_	0	root\n2	b	_	_	_	_	1	dep\n"
    )
    assert found.places == [(0, 1), (2, 3)]


@pytest.mark.parametrize("text", ["# text = Dogs eat it.", "# text = Dogs don't really eat it.", "# no text"])
def test_words_that_are_not_those_of_the_text_are_an_error(text):
    with pytest.raises(ValueError, match=r"does not come next|without a line"):
        list(sentences(DOGS.replace("# text = Dogs don't eat it.", text)))


# Dependency heads


def test_each_word_has_one_that_it_looks_at_and_one_that_looks_at_it_beside_itself():
    pattern = torch.tensor([[[0.6, 0.3, 0.1], [0.2, 0.1, 0.7], [0.5, 0.4, 0.1]]])
    assert looked_at(pattern).tolist() == [[[1, 2, 0]], [[2, 2, 1]]]


def test_the_first_word_of_a_causal_model_looks_at_none_and_none_looks_at_its_last():
    pattern = torch.tensor([[[1, 0, 0], [0.4, 0.6, 0], [0.1, 0.7, 0.2]]])
    assert looked_at(pattern).tolist() == [[[-1, 0, 1]], [[1, 2, -1]]]


def test_what_goes_to_the_pieces_of_a_word_is_summed_and_special_tokens_are_dropped():
    """[CLS] cat ##s eat. Head 0 has eat look at Cats only in sum, head 1 at neither of its pieces."""
    (sentence,) = sentences(
        "# text = Cats eat\n1	Cats	_	_	_	_	2	nsubj\n2	eat	_	_	_	_	0	root\n"
    )
    tokens = tokens_at(None, (0, 3), (3, 4), (5, 8))
    looks = [[1, 0, 0, 0], [0.9, 0, 0, 0.1], [0.8, 0, 0.2, 0], [0.4, 0.2, 0.3, 0.1]]
    not_at_all = np.eye(4)
    arcs, right = judge(capture_of(tokens, [looks, not_at_all]), sentence)
    assert arcs == [Arc(0, 1, "nsubj")]
    assert right.tolist() == [[[[True, False]], [[True, False]]]]  # n, direction, layer, head


def test_a_head_is_right_in_the_direction_in_which_it_looks():
    """The cat sat: det(The, cat), nsubj(cat, sat). Head 0 looks one on, head 1 one back."""
    (sentence,) = sentences(conllu("The cat sat", "1 The 2 det", "2 cat 3 nsubj", "3 sat 0 root"))
    tokens = tokens_at(*sentence.places)
    on, back = [[0, 1, 0], [0, 0, 1], [0, 0, 1]], [[1, 0, 0], [1, 0, 0], [0, 1, 0]]
    arcs, right = judge(capture_of(tokens, [on, back], [back, on]), sentence)
    assert [arc.relation for arc in arcs] == ["det", "nsubj"]
    one_layer, other = [True, False], [False, True]
    assert right.tolist() == [[[one_layer, other], [other, one_layer]]] * 2


def test_words_without_a_token_of_their_own_are_left_out():
    """Of `don't`, tokens are `don`, which ends in `n't`, and `'t`: nothing is said of `do`."""
    (sentence,) = sentences(DOGS)
    tokens = tokens_at((0, 4), (5, 8), (8, 10), (11, 14), (15, 17), (17, 18))
    arcs, right = judge(capture_of(tokens, [np.eye(6)]), sentence)
    assert [arc.relation for arc in arcs] == ["nsubj", "advmod", "obj"]
    assert right.shape == (3, 2, 1, 1)


def instances(offsets, relations=None, right=None):
    """One a sentence."""
    many = len(offsets)
    blank = np.zeros((many, 2, 1, 2), dtype=bool) if right is None else right
    names = np.array(relations or ["obj"] * many)
    return Judged(names, np.array(offsets), np.arange(many) + 1, blank, many, 0, 0)


def test_the_baseline_is_the_offset_that_is_right_most_often():
    offset, found = best_offset(instances([1, 1, 1, -2]))
    assert (offset, found.accuracy, found.held_out) == (1, 0.75, 0.5)


def test_what_was_chosen_on_the_odd_half_is_judged_on_the_even_one():
    right = np.array([[True, False], [False, True], [True, False], [False, True], [False, True], [True, True]])
    found = best(right, np.array([True, False] * 3))
    assert (found.which, found.accuracy) == ((1,), 4 / 6)
    assert found.held_out == 1 / 3  # choice 0 is best in the odd half


def test_relations_with_fewer_than_100_instances_are_left_out():
    found = instances([1] * 203, ["obj"] * 100 + ["iobj"] * 99 + ["_"] * 4)
    assert [(name, len(some.offsets)) for name, some in by_relation(found)] == [("obj", 100)]


def test_of_a_causal_model_it_is_said_how_many_instances_can_be_seen():
    right = np.zeros((4, 2, 1, 2), dtype=bool)
    right[[0, 2], 1, 0, 1] = True
    row = relation_row("m, obj", instances([1, 1, 2, -1], right=right), causal=True)
    assert row.what == "m, obj, 4 instances"
    assert row.measured == "50.0 % (0.0 %), layer 0 head 1, head → dependent, 75.0 % can be seen"
    assert row.beside == "50.0 % (50.0 %), offset +1"


def test_sentences_too_long_for_the_model_are_counted(loaded):
    long = CATS.replace("mat", "m" + "a" * 60 + "t")
    found = dependencies.judged(loaded("local:bert"), list(sentences(f"{CATS}\n{long}\n{CATS}")))
    assert (found.read, found.too_long, found.lost) == (3, 1, 0)
    assert found.relations.tolist() == ["det", "nsubj", "case", "det", "obl"] * 2
    assert found.numbers.tolist() == [1] * 5 + [3] * 5
    assert found.right.shape == (10, 2, 3, 4)


def test_a_causal_model_never_finds_what_comes_later(loaded):
    found = dependencies.judged(loaded("local:gpt2"), list(sentences(CATS)))
    assert not found.right[found.offsets > 0, 0].any()
    assert not found.right[found.offsets < 0, 1].any()


# The report


def test_what_was_measured_on_files_comes_after_what_anybody_can_measure():
    kept = {name: Result({}, [Row(name, "4 s")]) for name in ("dependencies", "grid", "pronouns")}
    told = readme(kept, ("grid",))
    places = [told.index(f"| {name} | 4 s |") for name in ("grid", "dependencies", "pronouns")]
    assert places == sorted(places)
    assert "(`grid`)" in told


def test_both_files_become_sections_beside_what_was_there(tmp_path, models_dir, monkeypatch):
    monkeypatch.setattr(linguistics, "CACHE", tmp_path)
    monkeypatch.setattr(linguistics, "facts", lambda: {"processor": "2 cores"})
    (tmp_path / "cats.conllu").write_text(f"{CATS}\n{DOGS}")
    (tmp_path / "gap.tsv").write_text(HEADER + ANN + ANN)
    asked = ["--model", "local:bert", "--models-dir", str(models_dir), "--limit", "2"]
    files = ["--conllu", str(tmp_path / "cats.conllu"), "--gap", str(tmp_path / "gap.tsv")]
    done = runner().invoke(app(), [*files, *asked])
    assert done.exit_code == 0, done.output
    told = (tmp_path / "README.md").read_text()
    assert "| local:bert: what was read | 2 sentences, 9 instances |" in told
    assert "| local:bert, all, 2 snippets |" in told


def test_without_a_file_it_says_which_it_wants():
    done = runner().invoke(app(), [])
    assert done.exit_code == 2
    assert "--conllu, --gap" in done.output


def runner():
    return CliRunner(env={"NO_COLOR": "1", "TERM": "dumb", "COLUMNS": "120"})


def app():
    made = typer.Typer()
    made.command()(linguistics.main)
    return made
