"""benchmarks/README.md from what was measured; the same results always give the same page."""

from collections.abc import Iterable

from .figures import Point, Row, megabytes, time
from .results import Results

INTRODUCTION = """\
# What it costs

`make bench` measures this and writes it; nothing is gated on it. `make bench ARGS="grid wire"` takes single benchmarks
({names}), `ARGS=--quick` fewer rounds.

`python -m benchmarks.linguistics --conllu FILE --gap FILE` measures what wants a file of its user's: a treebank of
Universal Dependencies, and GAP.

The model has GPT-2 small's shape (12 layers, 12 heads, width 768) with random weights, room for 32,768 tokens and a
vocabulary of bytes, in float32. What is compared takes turns, and the figure is the least of several rounds: on cores
that are shared with others, a single time says little, and a ratio says more than a time. Memory is what a process
needs at most, above what it held before. The load below is how many processes wanted a core meanwhile, the benchmark's
own one or two among them: where it is far above the number of cores, the times are those of a busy machine. There,
`OMP_NUM_THREADS=1 make bench` gives steadier ratios, as no thread has to wait for another that was put aside.
"""
ASKED = "## What was asked for"
# What nothing was asked of, by its benchmark.
OTHERS = {
    "grid": "## The grid, in pieces",
    "capture": "## Not measured",
    "studies": "## Scores beside those of others",
    "precision": "## What half precision costs",
    "roles": """\
## What the heads of the bundled models do

On a text of ordinary English in which some phrases come back. Roles are those of the page, read off what a head gives
to anything but its sink (the rules are in app/analysis/roles.py); heads are written layer.head, from 0. Beside a role
of a causal model stand the heads that reach the same share in the probe of Olsson et al. 2022: on random tokens,
repeated once, and of all attention, the sink's too. The naive rule names a head after the largest of its scores.
""",
    "dependencies": """\
## Real linguistics: heads that look along dependencies

After Clark et al. 2019, sec. 4.2, on a treebank that was annotated by people. Attention to a split word is the sum over
its tokens, from it the mean; special tokens are dropped, and a word's look at itself does not count. In one direction,
a head is right about a word (the dependent) where the word looks most at its head in the tree; in the other, where
of all words it is the head that looks most at it. A relation is named without its subtype (`nmod` is `nmod:poss` as
well), roots and punctuation are left out, and relations with fewer than 100 instances.

The figure is the accuracy of the best of all heads and both directions; in brackets, that of the head that is best on
the odd sentences, measured on the even ones, as the best of so many is in part the luckiest. Beside it stands the best
fixed offset, "the head is the next word but one" being +2, chosen in the same two ways. In a causal model a word sees
only what comes before: an instance where the one sought comes later counts as wrong, and how many do not is said.
""",
    "pronouns": """\
## Real linguistics: heads that look from a pronoun to its name

After Clark et al. 2019, sec. 4.3, on snippets of Wikipedia in which a pronoun may stand for one of two names (GAP). A
head is right where the pronoun gives the name that is meant more, summed over its tokens. The figure is the accuracy of
the best head; in brackets, that of the head that is best on the odd snippets, measured on the even ones. Beside it
stand three rules that know no language. Causal models see no name that comes after the pronoun: they are judged where
both come before.
""",
    "pictures": "## The pictures of others, from the call that makes them until they are drawn",
    "gpu": "## On a GPU",
}
PLOT = """## Time and memory against tokens

![seconds and bytes of one text against its tokens, ours and others'](capture.svg)
"""
MACHINE = "## Measured on"
# In the report behind all others: run on their own, on files.
ON_FILES = ("dependencies", "pronouns")


def readme(results: Results, names: Iterable[str]) -> str:
    """The whole page, in Markdown; the benchmarks in the order of `names`, then those on files."""
    known = {name: results[name] for name in (*names, *ON_FILES) if name in results}
    rows = [row for result in known.values() for row in result.rows]
    points = [point for result in known.values() for point in result.points]
    parts = [INTRODUCTION.format(names=", ".join(f"`{name}`" for name in names))]
    parts += [ASKED, asked_table([row for row in rows if row.asked])]
    parts += [PLOT, points_table(points)] if points else []
    for name, result in known.items():
        if others := [row for row in result.rows if not row.asked]:
            parts += [OTHERS[name], others_table(others)]
    parts += [MACHINE, machines(known)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def table(heads: list[str], lines: Iterable[list[str]]) -> str:
    written = (f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    return "\n".join([f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *written])


def asked_table(rows: list[Row]) -> str:
    words = {True: "yes", False: "**no**", None: ""}
    lines = ([row.what, row.asked, row.measured, words[row.met], row.beside] for row in rows)
    return table(["what", "asked", "measured", "reached", "beside it"], lines)


def others_table(rows: list[Row]) -> str:
    return table(["what", "measured", "beside it"], ([row.what, row.measured, row.beside] for row in rows))


def points_table(points: list[Point]) -> str:
    """A line for each number of tokens, a column for each kind; empty where there was no room."""
    kinds = list(dict.fromkeys(point.kind for point in points))
    at = {(point.tokens, point.kind): f"{time(point.seconds)}, {megabytes(point.bytes)}" for point in points}
    sizes = sorted({point.tokens for point in points})
    return table(["tokens", *kinds], ([f"{size:,}", *(at.get((size, kind), "") for kind in kinds)] for size in sizes))


def machines(known: Results) -> str:
    """Each machine once, with what was measured on it."""
    of: dict[str, list[str]] = {}
    for name, result in known.items():
        of.setdefault("; ".join(f"{fact}: {value}" for fact, value in result.machine.items()), []).append(
            f"{name} (load {result.load:.1f})"
        )
    return "\n".join(f"- {', '.join(done)}: {facts}." for facts, done in of.items())
