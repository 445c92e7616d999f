"""The type of a model whose config.json does not name it, where the weights leave no doubt."""

from collections.abc import Mapping

Shapes = Mapping[str, tuple[int, ...]]

# Weights that only this type has together: the end of their names.
GPT2 = ("wte.weight", "wpe.weight", "h.0.attn.c_attn.weight", "h.0.ln_1.bias", "ln_f.bias")
BERT = (
    "embeddings.word_embeddings.weight", "embeddings.position_embeddings.weight",
    "embeddings.token_type_embeddings.weight", "encoder.layer.0.attention.self.query.weight",
)  # fmt: skip


def model_type_from_weights(shapes: Shapes) -> str | None:
    """shapes: of all weights in the file, by name."""
    if is_gpt2(shapes):
        return "gpt2"
    return "bert" if is_bert(shapes) else None


def is_gpt2(shapes: Shapes) -> bool:
    """GPTBigCode has the same names, but its weights are [out, in]."""
    found = with_ends(shapes, GPT2)
    if found is None:
        return False
    inputs, outputs = (*found["h.0.attn.c_attn.weight"], 0, 0)[:2]
    return outputs == 3 * inputs


def is_bert(shapes: Shapes) -> bool:
    """RoBERTa and ELECTRA have the same names: RoBERTa has one segment, ELECTRA neither pooler nor `cls`."""
    found = with_ends(shapes, BERT)
    if found is None:
        return False
    below_bert = any("bert." + BERT[-1] == name.removeprefix("module.") for name in shapes)
    has_pooler = any(name.endswith("pooler.dense.weight") or ".predictions." in name for name in shapes)
    return below_bert or (has_pooler and found["embeddings.token_type_embeddings.weight"][:1] == (2,))


def with_ends(shapes: Shapes, ends: tuple[str, ...]) -> dict[str, tuple[int, ...]] | None:
    """End -> shape of the weight whose name has it; None unless each of them is there."""
    found = {end: shape for name, shape in shapes.items() for end in ends if name == end or name.endswith(f".{end}")}
    return found if len(found) == len(ends) else None
