import pytest
from hypothesis import given
from hypothesis import strategies as st
from model_files import data_of, gpt2_tokenizer
from tokenizers import Tokenizer
from tokenizers.processors import ByteLevel
from tokenizers.processors import Sequence as Processors
from worlds import byte_level, word_piece

from headscope.errors import EmptyText, PairNotSupported, TooManyTokens
from headscope.models.tokens import encode, encode_truncated, read_tokenizer, tokenize, visible


@pytest.fixture(scope="module")
def bert():
    return reread(word_piece())


@pytest.fixture(scope="module")
def gpt2():
    return reread(byte_level())


def reread(tokenizer):
    return read_tokenizer(tokenizer.to_str().encode())


def texts(tokens):
    return [token.text for token in tokens]


def test_the_cls_and_sep_tokens_of_bert_have_no_offsets(bert):
    tokens, _ = tokenize(bert, "The cat", None, pairs=True)
    assert texts(tokens) == ["[CLS]", "the", "cat", "[SEP]"]
    assert [token.special for token in tokens] == [True, False, False, True]
    assert [(token.start, token.end) for token in tokens] == [(None, None), (0, 3), (4, 7), (None, None)]
    assert [token.index for token in tokens] == [0, 1, 2, 3]


def test_each_text_of_a_pair_has_its_own_segment_and_offsets(bert):
    tokens, _ = tokenize(bert, "the cat", "a dog", pairs=True)
    assert [token.segment for token in tokens] == [0, 0, 0, 0, 1, 1, 1]
    assert [(token.text, token.start, token.end) for token in tokens[4:6]] == [("a", 0, 1), ("dog", 2, 5)]


def test_a_pair_is_refused_by_a_model_that_was_not_trained_on_pairs(gpt2):
    with pytest.raises(PairNotSupported, match="send one text"):
        tokenize(gpt2, "a", "b", pairs=False)


def test_spaces_and_newlines_are_visible_in_byte_level_tokens(gpt2):
    assert "".join(texts(tokenize(gpt2, "the cat\n\ta", None, pairs=False)[0])) == "the·cat↵⇥a"


@pytest.mark.fault(5)
def test_tokens_that_are_parts_of_a_character_share_its_offsets_and_are_numbered(gpt2):
    tokens, _ = tokenize(gpt2, "a😀b", None, pairs=False)
    parts = [token for token in tokens if "😀" in token.text]
    assert texts(parts) == [f"😀[{n}/{len(parts)}]" for n in range(1, len(parts) + 1)]
    assert len(parts) > 1
    assert {(token.start, token.end) for token in parts} == {(1, 2)}


@pytest.mark.fault(5)
def test_the_label_of_an_added_token_is_its_own_text():
    tokenizer = gpt2_tokenizer()
    assert tokenizer.token_to_id("é") is not None  # the byte E9; the added token has the same id
    tokenizer.add_tokens(["é", "naïve", "Ġx"])
    tokenizer.add_special_tokens(["<é>"])
    tokenizer = read_tokenizer(data_of(tokenizer))
    for text in ("é", "naïve", "Ġx", "<é>"):
        assert texts(tokenize(tokenizer, f"a{text}b", None, pairs=False)[0]) == ["a", text, "b"]
    parts = texts(tokenize(tokenizer, "Ã餐", None, pairs=False)[0])  # whose bytes are C3, 83, and E9 among others
    assert parts == ["Ã[1/2]", "Ã[2/2]", "餐[1/3]", "餐[2/3]", "餐[3/3]"]


@pytest.mark.fault(5)
@pytest.mark.parametrize("text", ["😀", "日本語", "e\u0301", "שלום", "\u200b", "\x00", "a\r\nb", "ﷺ", "👩‍👩‍👧"])
def test_no_label_is_mojibake(gpt2, bert, text):
    for tokenizer, pairs in ((gpt2, False), (bert, True)):
        for token in tokenize(tokenizer, text, None, pairs=pairs)[0]:
            assert token.text
            assert "\ufffd" not in token.text
            assert token.text.isprintable()


@pytest.mark.fault(5)
@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=30))
def test_offsets_are_within_the_text_and_every_label_is_visible(text):
    for tokenizer, pairs in ((byte_level()._tokenizer, False), (word_piece(), True)):
        for token in tokenize(tokenizer, text, None, pairs=pairs)[0]:
            assert token.special or 0 <= token.start <= token.end <= len(text)
            assert token.text.isprintable()


@pytest.mark.fault(5)
def test_invisible_characters_are_shown_as_code_points_and_marks_on_a_dotted_circle():
    assert visible("a\u200bb\x00") == "a⟨U+200B⟩b⟨U+0000⟩"
    assert visible("\u0301") == "◌\u0301"


@pytest.mark.parametrize("in_sequence", [False, True])
def test_a_space_has_its_offsets_also_if_the_tokenizer_trims_offsets(in_sequence):
    tokenizer = byte_level()._tokenizer
    trimming = ByteLevel(trim_offsets=True)
    tokenizer.post_processor = Processors([trimming]) if in_sequence else trimming
    tokens, _ = tokenize(reread(tokenizer), "  a  b ", None, pairs=False)
    assert [(token.text, token.start, token.end) for token in tokens] == [
        ("·", 0, 1),
        ("·", 1, 2),
        ("a", 2, 3),
        ("·", 3, 4),
        ("·", 4, 5),
        ("b", 5, 6),
        ("·", 6, 7),
    ]


def test_truncation_and_padding_of_a_tokenizer_file_are_switched_off():
    tokenizer = word_piece()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=9)
    tokens, _ = tokenize(reread(tokenizer), "the cat sat on the mat", None, pairs=True)
    assert len(tokens) == 8


@pytest.mark.fault(2)
@pytest.mark.parametrize("text_pair", [None, "a dog ran too"])
def test_a_text_is_truncated_on_request_and_keeps_its_special_tokens(text_pair):
    whole, none_dropped = tokenize(
        word_piece(), "the cat sat on the mat", text_pair, pairs=True, most=99, truncate=True
    )
    tokens, dropped = tokenize(word_piece(), "the cat sat on the mat", text_pair, pairs=True, most=7, truncate=True)
    assert (none_dropped, len(tokens), dropped) == (0, 7, len(whole) - 7)
    assert texts(tokens)[0] == "[CLS]"
    assert texts(tokens)[-1] == "[SEP]"
    assert texts(tokens)[1:3] == ["the", "cat"]


def columns(encoding):
    return encoding.ids, encoding.tokens, encoding.offsets, encoding.special_tokens_mask, encoding.type_ids


TEXTS = st.text(st.sampled_from("the cat 😀é日\n\u0301\u200b\x00,."), max_size=40)


@pytest.mark.fault(4)
@given(TEXTS, TEXTS | st.none(), st.data())
def test_texts_are_encoded_and_truncated_as_the_library_does(text, text_pair, data):
    for tokenizer in (word_piece(), byte_level()._tokenizer):
        whole = tokenizer.encode(text, text_pair)
        assert columns(encode(tokenizer, text, text_pair)) == columns(whole)
        special = tokenizer.num_special_tokens_to_add(text_pair is not None)
        if len(whole) > special:
            most = data.draw(st.integers(special + 1, len(whole)))
            cut = encode_truncated(tokenizer, text, text_pair, most - special)
            tokenizer.enable_truncation(most)
            assert columns(cut) == columns(tokenizer.encode(text, text_pair))


@pytest.mark.fault(2)
def test_a_text_that_is_too_long_is_refused_with_both_numbers_and_a_solution():
    with pytest.raises(
        TooManyTokens, match=r"^The text has 8 tokens, 2 of them special\. This model reads at most 7: .*truncate"
    ) as refused:
        tokenize(word_piece(), "the cat sat on the mat", None, pairs=True, most=7)
    assert refused.value.code == "too_many_tokens"


def test_a_text_is_not_truncated_to_special_tokens_alone():
    with pytest.raises(TooManyTokens, match=r"has 5 tokens, 3 of them special\. This model reads at most 3:"):
        tokenize(word_piece(), "the", "cat", pairs=True, most=3, truncate=True)


@pytest.mark.fault(1)
def test_a_text_without_tokens_is_refused_as_empty():
    bare = word_piece()
    bare.post_processor = None
    with pytest.raises(EmptyText, match="makes no tokens"):
        tokenize(bare, "\u0301", None, pairs=True)


def test_an_added_token_of_a_byte_level_tokenizer_is_shown_as_plain_text(gpt2):
    gpt2 = Tokenizer.from_str(gpt2.to_str())
    gpt2.add_tokens(["<my token>"])
    assert "<my·token>" in texts(tokenize(gpt2, "the <my token>", None, pairs=False)[0])


@pytest.mark.fault(40)
def test_a_very_long_label_is_shortened_and_says_its_length():
    tokenizer = gpt2_tokenizer()
    tokenizer.add_tokens(["中" * 900, "b" * 200])
    tokens, _ = tokenize(tokenizer, "中" * 900 + "b" * 200, None, pairs=False)
    assert [token.text for token in tokens] == ["中" * 53 + "… (900 characters)", "b" * 200]
    assert [(token.start, token.end) for token in tokens] == [(0, 900), (900, 1100)]
