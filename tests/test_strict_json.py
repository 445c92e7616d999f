"""The strict reader of JSON."""

import pytest

from headscope.strict_json import HalfCharacter, read_json


@pytest.mark.fault(6, 46)
@pytest.mark.parametrize("text", [r'{"a": "\ud800"}', r'{"\ud800\ud800x": 1}', r'[["\udc00\ud83d"]]'])
def test_half_of_a_surrogate_pair_is_refused_wherever_it_is(text):
    with pytest.raises(HalfCharacter, match="half of a surrogate pair"):
        read_json(text, 30)


def test_a_whole_pair_is_one_character():
    assert read_json(r'{"a": "\ud83d\ude00"}', 30) == {"a": "😀"}
