"""Models that are built without memory for their weights: when they are not built at all, or not to the end."""

import json

import pytest
from architectures import ARCHITECTURES
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from torch.nn.modules.module import register_module_module_registration_hook

from headscope.engine.progress import WorkProgress
from headscope.errors import DownloadCancelled, WeightsDoNotFit
from headscope.models import fitting
from headscope.models.building import on_meta
from headscope.models.checker.watchdog import BuildLater, stoppable, without_building
from headscope.models.checkpoint import check_files
from headscope.models.claim import read_config
from headscope.models.heads import base_class


@pytest.fixture
def albert(tmp_path):
    """The folder of a model without a table."""
    ARCHITECTURES["albert"].build().save_pretrained(tmp_path)
    Tokenizer(WordLevel({"[UNK]": 0}, unk_token="[UNK]")).save(str(tmp_path / "tokenizer.json"))
    return tmp_path


@pytest.mark.fault(17, 46)
def test_a_config_with_far_more_weights_than_the_file_is_refused_before_a_model_is_built(albert, monkeypatch):
    def never(*_):
        raise AssertionError("the model was built")

    config = albert / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"embedding_size": 2048, "vocab_size": 4096}))
    monkeypatch.setattr(fitting, "on_meta", never)
    with pytest.raises(WeightsDoNotFit, match=r"describes 8,\d{3},\d{3} parameters, model.safetensors has [\d,]+$"):
        check_files(albert)


@pytest.mark.fault(43, 46)
def test_a_model_that_nobody_waits_for_any_more_is_not_built_further(albert):
    claim, progress, built = read_config(albert), WorkProgress(), []

    def stop_at_the_fifth(_, name, __):
        built.append(name)
        if len(built) == 5:
            progress.stop(DownloadCancelled("the load was cancelled"))

    hook = register_module_module_registration_hook(stop_at_the_fifth)
    try:
        with stoppable(progress), pytest.raises(DownloadCancelled):
            on_meta(claim, base_class("albert"), {})
    finally:
        hook.remove()
    assert len(built) == 5


@pytest.mark.fault(43, 46)
def test_a_model_without_a_table_never_takes_the_place_of_those_that_need_no_building(albert):
    """Also when it is known what its config describes: the server builds it afterwards."""
    check_files(albert).close()
    with pytest.raises(BuildLater), without_building():
        check_files(albert)
