"""Encoders that differ from BERT in names, positions or embeddings only: RoBERTa, ELECTRA and DistilBERT."""

from dataclasses import replace
from typing import Any

from transformers import DistilBertConfig, ElectraConfig, RobertaConfig

from .bert import BERT
from .stored import projections


def from_padding(config: RobertaConfig) -> int:
    """The first token has the position after that of padding, so that some positions are never used."""
    return int(config.max_position_embeddings - config.pad_token_id - 1)


def refuses_nothing(config: Any) -> None:  # noqa: ARG001 - families share one signature
    return None


# Liu et al. 2019. Its texts of a pair are told apart by separators, not by segments.
ROBERTA = replace(
    BERT,
    family="roberta",
    config_class=RobertaConfig,
    positions=from_padding,
)
# Clark et al. 2020.
ELECTRA = replace(
    BERT,
    family="electra",
    config_class=ElectraConfig,
    fields=BERT.fields | {"embedding_size"},
)
# Sanh et al. 2019. It has no segments, and the output projection is part of the attention module.
DISTILBERT = replace(
    BERT,
    family="distilbert",
    config_class=DistilBertConfig,
    blocks="transformer.layer",
    attention="attention",
    absorbed=(),
    weights=projections(q="attention.q_lin", k="attention.k_lin", v="attention.v_lin", out="attention.out_lin"),
    fields=frozenset(DistilBertConfig.__annotations__),
    refusal=refuses_nothing,
    pairs=lambda _: False,
)
ENCODER_ADAPTERS = (BERT, ROBERTA, ELECTRA, DISTILBERT)
