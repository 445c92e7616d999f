"""Handmade sentences, snippets and captures for the tests of the linguistic benchmarks."""

from types import SimpleNamespace

import numpy as np
import torch

from headscope.records import Token

DOGS = """\
# sent_id = 1
# text = Dogs don't eat it.
1	Dogs	dog	NOUN	_	_	4	nsubj	_	_
2-3	don't	_	_	_	_	_	_	_	_
2	do	do	AUX	_	_	4	aux	_	_
3	n't	not	PART	_	_	4	advmod	_	_
4	eat	eat	VERB	_	_	0	root	_	_
4.1	much	much	ADJ	_	_	_	_	4:obj	_
5	it	it	PRON	_	_	4	obj:that	_	SpaceAfter=No
6	.	.	PUNCT	_	_	4	punct	_	_
"""
CATS = """\
# text = The cat sat on the mat.
1	The	the	DET	_	_	2	det	_	_
2	cat	cat	NOUN	_	_	3	nsubj	_	_
3	sat	sit	VERB	_	_	0	root	_	_
4	on	on	ADP	_	_	6	case	_	_
5	the	the	DET	_	_	6	det	_	_
6	mat	mat	NOUN	_	_	3	obl	_	SpaceAfter=No
7	.	.	PUNCT	_	_	3	punct	_	_
"""
HEADER = "ID	Text	Pronoun	Pronoun-offset	A	A-offset	A-coref	B	B-offset	B-coref	URL\n"
ANN = 'v-1	"Ann" met Eve. She left.	She	15	Ann	1	TRUE	Eve	10	FALSE	-\n'
LATER = "v-2	Ann said her aunt Eve left.	her	9	Eve	18	TRUE	Ann	0	FALSE	-\n"
NEITHER = "v-3	Ann met Eve. She left.	She	13	Ann	0	FALSE	Eve	8	FALSE	-\n"


def conllu(text, *words):
    """Each word is given as `1 Dogs 4 nsubj`."""
    fields = [word.split() for word in words]
    return "\n".join([f"# text = {text}", *("\t".join([n, form, *"____", head, of]) for n, form, head, of in fields)])


def tokens_at(*spans):
    """Tokens with these character spans; None is a special token."""
    return tuple(Token(n, n, str(n), *(span or (None, None)), span is None, 0) for n, span in enumerate(spans))


def capture_of(tokens, *layers):
    """A capture whose layers have these patterns [h i j]."""
    patterns = [torch.tensor(np.array(layer), dtype=torch.float64) for layer in layers]
    captured = [
        SimpleNamespace(
            q=torch.zeros(len(x), len(tokens), 1),
            heads=len(x),
            block=lambda heads, rows, columns, x=x: x[
                heads.start : heads.stop, rows.start : rows.stop, columns.start : columns.stop
            ],
        )
        for x in patterns
    ]
    stack = SimpleNamespace(is_cross=False)
    return SimpleNamespace(
        tokens=tokens, queries=tokens, keys=tokens, texts=("", ""), stack=stack, layers=captured, heads=len(patterns[0])
    )
