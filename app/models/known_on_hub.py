"""Well-known models of the hub, which the page offers without being asked. Any other one can be named by its id.

Their sizes are those that they have after loading, so that the page can draw the grid while it loads.
"""

from ..records import ModelCard


def known(
    name: str, title: str, family: str, shape: tuple[int, int, int, int], d_model: int, max_tokens: int, parameters: int
) -> ModelCard:
    """shape: layers, heads, key/value heads and width of a head; of two stacks, those of the encoder."""
    layers, heads, kv_heads, head_dim = shape
    # fmt: off
    return ModelCard(
        name, title, family, "hub",
        layers=layers, heads=heads, kv_heads=kv_heads, head_dim=head_dim, d_model=d_model, max_tokens=max_tokens,
        parameters=parameters,
    )
    # fmt: on


GATED = "ask for access on the hub, and set HF_TOKEN"
# fmt: off
KNOWN = (
    known("gpt2", "GPT-2 small", "gpt2", (12, 12, 12, 64), 768, 1024, 124_439_808),
    known("distilgpt2", "DistilGPT-2", "gpt2", (6, 12, 12, 64), 768, 1024, 81_912_576),
    known("gpt2-medium", "GPT-2 medium", "gpt2", (24, 16, 16, 64), 1024, 1024, 354_823_168),
    known("bert-base-uncased", "BERT base, uncased", "bert", (12, 12, 12, 64), 768, 512, 109_482_240),
    known("bert-base-cased", "BERT base, cased", "bert", (12, 12, 12, 64), 768, 512, 108_310_272),
    known("FacebookAI/roberta-base", "RoBERTa base", "roberta", (12, 12, 12, 64), 768, 512, 124_697_433),
    known("answerdotai/ModernBERT-base", "ModernBERT base", "modernbert", (22, 12, 12, 64), 768, 8192, 149_655_232),
    known("google-t5/t5-small", "T5 small", "t5", (6, 8, 8, 64), 512, 2048, 60_506_624),
    known("facebook/bart-base", "BART base", "bart", (6, 12, 12, 64), 768, 1024, 139_420_416),
    known("EleutherAI/pythia-70m", "Pythia 70M", "gpt_neox", (6, 8, 8, 64), 512, 2048, 70_426_624),
    known("EleutherAI/pythia-160m", "Pythia 160M", "gpt_neox", (12, 12, 12, 64), 768, 2048, 162_322_944),
    known(
        "google/gemma-3-270m", f"Gemma 3 270M: {GATED}", "gemma3_text", (18, 4, 1, 256), 640, 32_768, 268_098_176,
    ),
    known("HuggingFaceTB/SmolLM2-360M", "SmolLM2 360M", "llama", (32, 15, 5, 64), 960, 8192, 361_821_120),
    known("Qwen/Qwen3-0.6B", "Qwen3 0.6B", "qwen3", (28, 16, 8, 128), 1024, 40_960, 596_049_920),
    known(
        "meta-llama/Llama-3.2-1B", f"Llama 3.2 1B: {GATED}", "llama", (16, 32, 8, 64), 2048, 131_072, 1_235_814_400,
    ),
)
# fmt: on
