"""benchmarks/README.md from the results alone: the same results always give the same page."""

from collections.abc import Iterable

from .measurements import Point, Row, megabytes, time
from .results import Results

INTRODUCTION = """\
# Benchmarks

`make bench` measures everything on this page and writes it. No test depends on it. `make bench ARGS="grid wire"` runs
single benchmarks ({names}); `make bench ARGS=--quick` runs fewer rounds.
`make bench ARGS="soak --minutes 30"` runs the soak, which takes as long as it is told and is not part of the others.

`python -m benchmarks.linguistics --conllu FILE --gap FILE` needs files of your own: a treebank of Universal
Dependencies, and the data of GAP.

How it is measured:

- The model has the shape of GPT-2 small (12 layers, 12 heads, width 768) with random weights in float32, positions for
  32,768 tokens, and a vocabulary of bytes.
- `decoder` has the shape of a small modern decoder (12 layers, 12 heads on 4 key/value heads, width 768). `rules` needs
  no model: it measures masks. `shards` loads 1 GB of weights in six files, in a process of its own.
- Compared programs run alternately; the fastest round is reported. If other programs use the machine too, a ratio is
  more reliable than a single time.
- "Forward" and "the forward pass" are the time of a plain forward pass of the model, with torch's fused attention and
  without patterns. "Forward + 0.36 s" means 0.36 s longer than that.
- "Equal at both lengths": the slower of the two windows takes at most 1.5 times as long as the faster one.
- The frame time while panning is the median over the frames of a drag. It is measured in several drags; the value of
  the smoothest drag, the one with the smallest median, is reported.
- Memory is the peak memory of a process, minus its memory before the measurement.
- The load is the largest load average during the benchmark, which itself adds one or two. If it is far above the number
  of cores, the machine was busy. `OMP_NUM_THREADS=1 make bench` then gives more stable ratios.
"""
TARGETS = "## Targets"
# Headings of rows without a target, by benchmark.
SECTIONS = {
    "grid": "## Parts of the grid",
    "capture": "## Not measured",
    "rules": "## Masks without intervals",
    "studies": "## Scores compared with another tool",
    "precision": "## Accuracy of captures in float16",
    "roles": """\
## Roles of the heads of the included models

The text is ordinary English in which some phrases are repeated. The roles are those of the page: the rules are in
docs/heads.md. Heads are written as layer.head, from 0. For a causal model, the last column names the heads that reach
the same percentage in the induction probe of Olsson et al. 2022, which uses random tokens and counts all attention. The
naive rule names a head after the largest of its scores.
""",
    "smollm2": "## A model of 135 million parameters in a server",
    "dependencies": """\
## Linguistics: heads that attend along dependencies

This repeats Clark et al. 2019, sec. 4.2, on a treebank that people annotated.

- Attention to a word of several tokens is the sum over them; attention from it is the mean. Special tokens and the
  attention of a word to itself do not count.
- The governor is the word that a dependent depends on, its parent in the tree. Direction "dependent → governor": a head
  is right if the dependent attends most to its governor. Direction "governor → dependent": a head is right if, of all
  words, the governor attends most to the dependent.
- Relations are named without subtype (`nmod` includes `nmod:poss`). Roots, punctuation, and relations with fewer than
  100 instances are not evaluated.

The columns:

- "Measured" is the accuracy of the best head and direction. The best of many heads is partly best by chance. The number
  in brackets avoids this: it is the accuracy, on the even sentences, of the head that is best on the odd sentences.
- "For comparison" is the best fixed offset, chosen in the same two ways. Offset +2 means that the head is two words
  later.
- In a causal model, a word sees only earlier words. Instances in which it would have to see a later word count as
  wrong; "visible" is the share of the other instances.
""",
    "pronouns": """\
## Linguistics: heads that attend from a pronoun to its name

This repeats Clark et al. 2019, sec. 4.3, on texts of Wikipedia in which a pronoun may refer to one of two names (GAP).

- A head is right if the pronoun attends more to the name that it refers to than to the other name. The attention to a
  name is the sum over its tokens.
- "Measured" is the accuracy of the best head. The number in brackets is the accuracy, on the even texts, of the head
  that is best on the odd texts.
- "For comparison" has three rules that use only positions.
- A causal model does not see names after the pronoun, so it is evaluated only where both names come before it.
""",
    "pictures": "## Pictures of other tools, from the call until they are drawn",
    "gpu": "## On a GPU",
    "soak": """\
## Soak

A shared server with small limits, and 25 clients at the same time: readers of captures, analyses, dumps and
certificates; clients that disconnect, read slowly or not at all, send half a request, open too many connections, have
no key, or send hostile bodies; and loads of more models than fit into memory. Growth is from the first to the last
third after a warm-up of a fifth of the time.

![Memory, threads, open files and connections of the server against minutes](soak.svg)
""",
}
PLOT = """## Time and memory against tokens

![Seconds and bytes for one text against its number of tokens, for Headscope and other tools](capture.svg)
"""
MACHINE = "## Machines"
# Benchmarks that need files. They come last in the report.
ON_FILES = ("dependencies", "pronouns")


def readme(results: Results, names: Iterable[str]) -> str:
    """The whole page in Markdown: the benchmarks in the order of `names`, then those that need files."""
    known = {name: results[name] for name in (*names, *ON_FILES) if name in results}
    rows = [row for result in known.values() for row in result.rows]
    points = [point for result in known.values() for point in result.points]
    parts = [INTRODUCTION.format(names=", ".join(f"`{name}`" for name in names))]
    parts += [TARGETS, targets_table([row for row in rows if row.target])]
    parts += [PLOT, points_table(points)] if points else []
    for name, result in known.items():
        if others := [row for row in result.rows if not row.target]:
            parts += [SECTIONS[name], others_table(others)]
    parts += [MACHINE, machines(known)]
    return "\n".join(part.rstrip("\n") + "\n" for part in parts)


def table(heads: list[str], lines: Iterable[list[str]]) -> str:
    written = (f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in lines)
    return "\n".join([f"| {' | '.join(heads)} |", "|" + "---|" * len(heads), *written])


def targets_table(rows: list[Row]) -> str:
    words = {True: "yes", False: "**no**", None: ""}
    lines = ([row.what, row.target, row.measured, words[row.reached], row.comparison] for row in rows)
    return table(["what", "target", "measured", "reached", "for comparison"], lines)


def others_table(rows: list[Row]) -> str:
    return table(["what", "measured", "for comparison"], ([row.what, row.measured, row.comparison] for row in rows))


def points_table(points: list[Point]) -> str:
    """A row for each number of tokens, a column for each kind; empty if it did not fit into memory."""
    kinds = list(dict.fromkeys(point.kind for point in points))
    at = {(point.tokens, point.kind): f"{time(point.seconds)}, {megabytes(point.bytes)}" for point in points}
    sizes = sorted({point.tokens for point in points})
    return table(["tokens", *kinds], ([f"{size:,}", *(at.get((size, kind), "") for kind in kinds)] for size in sizes))


def machines(known: Results) -> str:
    """Each machine once, with the benchmarks that ran on it."""
    of: dict[str, list[str]] = {}
    for name, result in known.items():
        of.setdefault("; ".join(f"{fact}: {value}" for fact, value in result.machine.items()), []).append(
            f"{name} (load {result.load:.1f})"
        )
    return "\n".join(f"- {', '.join(done)}: {facts}." for facts, done in of.items())
