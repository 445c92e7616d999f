"""A tokenizer from the files of a model: tokenizer.json with what the files beside it say, or a vocabulary.

The result is the content of a tokenizer.json that makes the tokens of transformers' `AutoTokenizer`. Its classes for
BERT, GPT-2 and RoBERTa take only the vocabulary out of tokenizer.json, and do the rest by their options.
"""

import json
from collections.abc import Mapping
from typing import Any, Literal

from tokenizers import AddedToken, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE, Model, WordPiece

from ...errors import CorruptModel, UnsupportedModel
from ..json_files import parse_object
from ..panics import failure_of
from .added_tokens import Options, Parsed, add_tokens, content_of, numbers_in, options_in

Kind = Literal["bert", "gpt2", "roberta"]
BERT_SPECIAL = {
    "unk_token": "[UNK]",
    "sep_token": "[SEP]",
    "pad_token": "[PAD]",
    "cls_token": "[CLS]",
    "mask_token": "[MASK]",
}
ROBERTA_SPECIAL = {
    "bos_token": "<s>", "eos_token": "</s>", "sep_token": "</s>", "cls_token": "<s>", "unk_token": "<unk>",
    "pad_token": "<pad>", "mask_token": "<mask>",
}  # fmt: skip
GPT2_SPECIAL = dict.fromkeys(("unk_token", "bos_token", "eos_token"), "<|endoftext|>")
SPECIAL: dict[Kind, dict[str, str]] = {"bert": BERT_SPECIAL, "gpt2": GPT2_SPECIAL, "roberta": ROBERTA_SPECIAL}
# By the class that tokenizer_config.json names, or that transformers has for the type of the model.
CLASSES: dict[str, Kind] = {
    **dict.fromkeys(
        ("BertTokenizer", "DistilBertTokenizer", "ElectraTokenizer", "ConvBertTokenizer", "LayoutLMTokenizer",
         "MobileBertTokenizer", "SqueezeBertTokenizer", "LxmertTokenizer", "DPRQuestionEncoderTokenizer",
         "DPRContextEncoderTokenizer"), "bert",
    ),
    "GPT2Tokenizer": "gpt2",
    **dict.fromkeys(
        ("RobertaTokenizer", "BartTokenizer", "LongformerTokenizer", "LEDTokenizer", "MvpTokenizer"), "roberta"
    ),
}  # fmt: skip
# Their pre-tokenizer is that of tokenizer.json, with `add_prefix_space` of the options.
WITH_PREFIX = frozenset(("GPTNeoXTokenizer", "Qwen2Tokenizer", "CodeGenTokenizer", "DebertaTokenizer", "LukeTokenizer"))
MODELS: dict[Kind, type[Model]] = {"bert": WordPiece, "gpt2": BPE, "roberta": BPE}
AROUND = ("cls_token", "sep_token")  # each text
# The model types whose tokenizers add no special tokens, and those that add them as RoBERTa does.
LIKE_GPT2 = frozenset(("gpt2", "gpt_neo", "gptj", "codegen", "gpt_bigcode"))
LIKE_ROBERTA = frozenset(("roberta", "roberta-prelayernorm", "bart", "mvp", "data2vec-text"))
TOKENIZER, VOCABULARY, MERGES, OPTIONS = "tokenizer.json", "vocab.txt", "merges.txt", "tokenizer_config.json"


def build_tokenizer(data: bytes, model_type: str, registered: str | None = None, *, fixed: bool = False) -> str | None:
    """The content of a tokenizer.json; None where it is that of the file.

    data:       {name of a file: its text}
    registered: the class that transformers has for the type
    fixed:      whether that class counts, whatever tokenizer_config.json names
    Raises CorruptModel, UnsupportedModel.
    """
    texts: dict[str, str] = json.loads(data)
    stored = texts.pop(TOKENIZER, None)
    files = {name: parse_object(text.encode(), name) for name, text in texts.items() if name.endswith(".json")}
    try:
        if stored is not None:
            return with_options(Tokenizer.from_str(stored), files, class_of(files, registered, fixed=fixed))
        return from_vocabulary(texts, files, model_type).to_str()
    except BaseException as error:
        if reason := failure_of(error):
            names = ", ".join([*([TOKENIZER] if stored else []), *sorted(texts)])
            raise CorruptModel(f"no tokenizer can be made from {names}: {reason}") from error
        raise


def class_of(files: Parsed, registered: str | None, *, fixed: bool) -> str:
    """The name of the class that `AutoTokenizer` takes."""
    declared = files.get(OPTIONS, {}).get("tokenizer_class")
    if not isinstance(declared, str) or fixed or registered == "TokenizersBackend":
        return registered or ""
    return declared.removesuffix("Fast")


def with_options(stored: Tokenizer, files: Parsed, class_name: str) -> str | None:
    """What the files beside tokenizer.json make of it; None if they change nothing."""
    present = stored.get_added_tokens_decoder()
    kind = CLASSES.get(class_name)
    if kind is not None and isinstance(stored.model, MODELS[kind]):
        tokenizer = rebuilt(kind, stored.model, files, present)
        if kind == "gpt2" and stored.post_processor is not None:
            tokenizer.post_processor = stored.post_processor
        return tokenizer.to_str()
    has_prefix = class_name in WITH_PREFIX and set_prefix(stored, on=is_on(options_in(files), "add_prefix_space"))
    added = add_tokens(stored, files, {}, present)
    return stored.to_str() if has_prefix or added else None


def set_prefix(tokenizer: Tokenizer, *, on: bool) -> bool:
    """Set whether a space is put before a text, and whether the tokenizer has a part that can do it."""
    part = tokenizer.pre_tokenizer
    state = json.loads(part.__getstate__()) if part is not None else {}
    levels = [each for each in state.get("pretokenizers", [state]) if each.get("type") == "ByteLevel"]
    for each in levels:
        each["add_prefix_space"] = on
    if part is not None and levels:
        part.__setstate__(json.dumps(state).encode())
        tokenizer.pre_tokenizer = part
    return bool(levels)


def from_vocabulary(texts: Mapping[str, str], files: Parsed, model_type: str) -> Tokenizer:
    if VOCABULARY in texts:
        return rebuilt("bert", WordPiece(words_in(texts[VOCABULARY])), files, {})
    if model_type not in LIKE_GPT2 | LIKE_ROBERTA:
        raise UnsupportedModel(
            f"a {model_type} without tokenizer.json: which special tokens it has is not known; load it with "
            "transformers' AutoTokenizer and save it with tokenizer.json"
        )
    lines = [line.rstrip("\r") for line in texts[MERGES].split("\n") if not line.startswith("#version")]
    merges = [line.split(" ") for line in lines if line]
    if any(len(merge) != 2 for merge in merges):
        raise CorruptModel("merges.txt has a line that is not two tokens with a space between them")
    model = BPE(numbers_in(files["vocab.json"], "vocab.json"), [(first, second) for first, second in merges])
    return rebuilt("gpt2" if model_type in LIKE_GPT2 else "roberta", model, files, {})


def words_in(text: str) -> dict[str, int]:
    lines = text.split("\n")
    return {line.rstrip("\r"): number for number, line in enumerate(lines if lines[-1] else lines[:-1])}


def rebuilt(kind: Kind, model: Any, files: Parsed, present: Mapping[int, AddedToken]) -> Tokenizer:
    """As the class builds it. present: added tokens of tokenizer.json. Raises CorruptModel."""
    options = options_in(files)
    named = {name: content_of(options.get(name)) or usual for name, usual in SPECIAL[kind].items()}
    tokenizer = Tokenizer(model)
    check_present(kind, tokenizer, named, present)
    if kind == "bert":
        model.unk_token, model.continuing_subword_prefix, model.max_input_chars_per_word = named["unk_token"], "##", 100
        tokenizer.normalizer = bert_normalizer(options)
        tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        tokenizer.decoder = decoders.WordPiece(prefix="##")
    else:
        model.dropout, model.unk_token, model.fuse_unk, model.byte_fallback = None, None, False, False
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=is_on(options, "add_prefix_space"))
        tokenizer.decoder = decoders.ByteLevel()
    add_tokens(tokenizer, files, SPECIAL[kind], present)
    tokenizer.post_processor = around_text(kind, tokenizer, named, prefix=is_on(options, "add_prefix_space"))
    return tokenizer


def around_text(
    kind: Kind, tokenizer: Tokenizer, named: Mapping[str, str], *, prefix: bool
) -> processors.PostProcessor | None:
    """What puts special tokens around each text."""
    if kind == "gpt2":
        return None
    first, last = ((named[name], int(tokenizer.token_to_id(named[name]) or 0)) for name in AROUND)
    if kind == "bert":
        return processors.BertProcessing(last, first)
    return processors.RobertaProcessing(last, first, add_prefix_space=prefix)


def check_present(
    kind: Kind, tokenizer: Tokenizer, named: Mapping[str, str], present: Mapping[int, AddedToken]
) -> None:
    """Raises CorruptModel if a special token that every text needs would be new, so that it has no embedding."""
    added = {token.content for token in present.values()}
    for name in {"bert": (*AROUND, "unk_token"), "roberta": AROUND, "gpt2": ()}[kind]:
        text = named[name]
        if text not in added and tokenizer.token_to_id(text) is None:
            raise CorruptModel(f"the vocabulary has no {text[:40]!r}, the {name} of each text")


def bert_normalizer(options: Options) -> normalizers.Normalizer:
    strip_accents = options.get("strip_accents")
    return normalizers.BertNormalizer(
        clean_text=True,
        handle_chinese_chars=options.get("tokenize_chinese_chars", True) is not False,
        strip_accents=strip_accents if isinstance(strip_accents, bool) else None,
        lowercase=options.get("do_lower_case", True) is not False,
    )


def is_on(options: Options, name: str) -> bool:
    return options.get(name) is True
