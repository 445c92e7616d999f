"""The commands for models with an encoder and a decoder: --target and --stack."""

import json

import numpy as np
from encoder_decoders import write as write_encoder_decoder
from typer.testing import CliRunner

from headscope.cli.command import cli


def test_a_dump_of_a_model_with_a_decoder_holds_its_stacks_or_one(tmp_path):
    model = str(write_encoder_decoder(tmp_path / "t5", "t5"))
    command = ["dump", "the cat sat on a mat", "--model", model, "--target", "a dog", "-o"]
    whole, one = tmp_path / "whole.npz", tmp_path / "one.csv"
    assert CliRunner().invoke(cli, [*command, str(whole)]).exit_code == 0
    assert [np.load(whole)[f"attention_{stack}"].shape for stack in ("encoder", "decoder", "cross")] == [
        (2, 4, 7, 7),
        (3, 4, 3, 3),
        (3, 4, 3, 7),
    ]
    refused = CliRunner().invoke(cli, [*command, str(one)])
    assert "name one of encoder, decoder, cross" in refused.output
    assert CliRunner().invoke(cli, [*command, str(one), "--stack", "cross"]).exit_code == 0
    lines = one.read_text().splitlines()
    assert (lines[1].split(",")[:6], len(lines)) == (["0", "0", "0", "<pad>", "0", "the"], 1 + 3 * 4 * 3 * 7)


def test_a_stack_of_a_model_with_a_decoder_is_scored(tmp_path):
    model = str(write_encoder_decoder(tmp_path / "t5", "t5"))
    out = tmp_path / "heads.json"
    options = ["--target", "a dog saw the bird", "--stack", "cross", "-o", str(out)]
    result = CliRunner().invoke(cli, ["scores", "the cat sat on a mat", "--model", model, *options])
    assert result.exit_code == 0, result.output
    rows = json.loads(out.read_text())
    assert (len(rows), rows[0]["previous"], rows[0]["roles"]) == (12, None, None)
    assert rows[0]["entropy"] > 0
