"""The well-known models of the hub that are offered without being asked for."""

from headscope.models.families import FAMILIES
from headscope.models.known_on_hub import KNOWN
from headscope.models.types import SHOWN
from headscope.settings import Settings


def test_they_are_of_types_that_are_shown():
    assert {card.family for card in KNOWN} <= FAMILIES.keys() | SHOWN
    assert len({card.id for card in KNOWN}) == len(KNOWN)


def test_they_fit_within_the_default_limits():
    # The largest is stored with 2 bytes a number, and takes 4 in memory.
    most, settings = max(card.parameters for card in KNOWN), Settings()
    assert 4 * most < settings.max_model_bytes
    assert 2 * most < settings.max_download_gb * 1e9


def test_key_value_heads_divide_the_heads():
    assert all(card.heads % card.kv_heads == 0 for card in KNOWN)
