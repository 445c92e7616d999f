"""The model types of transformers that can be shown: which of them read text, and why others are refused.

Every model is compared with eager attention when it is loaded, so a type on this list is tried, not trusted.
"""

# Their attention runs through transformers' attention interface.
INTERFACE = frozenset((
    "afmoe", "albert", "apertus", "arcee", "aria", "aria_text", "axk1", "axk2", "bailing_hybrid", "bamba",
    "bart", "beam", "bert", "bert-generation", "biogpt", "bitnet", "blenderbot", "blenderbot-small",
    "camembert", "cohere", "cohere2", "cohere2_moe", "cosmos3_omni", "ctrl", "cwm", "data2vec-text", "dbrx",
    "deepseek_v2", "deepseek_v3", "deepseek_v32", "deepseek_v4", "deepseek_vl", "deepseek_vl_hybrid",
    "diffllama", "distilbert", "doge", "dots1", "dpr", "electra", "embedding_gemma2", "embedding_gemma2_text",
    "encoder-decoder", "ernie", "ernie4_5", "ernie4_5_moe", "esm", "esmc", "eurobert", "exaone4", "exaone4_5",
    "exaone_moe", "falcon_h1", "flex_olmo", "flint", "fuyu", "gemma", "gemma2", "gemma3", "gemma3_text",
    "gemma3n_text", "gemma4", "gemma4_text", "gemma4_unified", "gemma4_unified_text", "glm", "glm4",
    "glm4_moe", "glm4_moe_lite", "glm_moe_dsa", "glmasr", "got_ocr2", "gpt-sw3", "gpt2", "gpt_bigcode",
    "gpt_neox", "gpt_oss", "granite", "granite_docling", "granite_docling_text", "granite_swa", "granitemoe",
    "granitemoe_swa", "granitemoehybrid", "granitemoeshared", "gte", "helium", "hrm_text", "hunyuan_v1_dense",
    "hunyuan_v1_moe", "hy_v3", "hy_v4", "hyperclovax", "idefics2", "idefics3", "inkling2_text",
    "inkling_text", "internlm3", "internvl", "iquestcoder", "jais2", "jamba", "jetmoe", "jina_embeddings_v3",
    "kimi_k25", "kimi_linear", "kolibri1", "kosmos-2.5", "laguna", "layoutlm", "lfm2", "lfm2_moe", "lfm2_vl",
    "lfm3", "lfm3_vl", "lighton_ocr", "llama", "llama4", "llama4_text", "llava", "llava_next",
    "longcat_flash", "m2m_100", "marian", "markuplm", "mbart", "mellum", "mimo_v2_flash", "minicpm3",
    "minicpm_ocr", "minicpmv4_6", "minicpmv4_7", "minimax", "minimax_m2", "minimax_m3_vl",
    "minimax_m3_vl_text", "ministral", "ministral3", "mistral", "mistral3", "mistral4", "mistral_large4",
    "mistral_large4_text", "mixtral", "mllama", "mobilebert", "modernbert", "modernbert-decoder",
    "modernvbert", "molmo2_text", "moshi", "mt5", "muse_glimmer", "muse_glimmer_text", "muse_spark_text",
    "nanochat", "nemotron", "nemotron_h", "neomme", "nllb-moe", "nomic_bert", "olmo", "olmo2", "olmo3",
    "olmo_hybrid", "olmoe", "openai_privacy_filter", "opt", "ovis2", "paligemma", "pegasus", "pegasus_x",
    "persimmon", "phi", "phi3", "phi4_multimodal", "phimoe", "plbart", "pop2piano", "pp_chart2table",
    "qianfan_ocr", "qwen2", "qwen2_moe", "qwen3", "qwen3_5", "qwen3_5_moe", "qwen3_5_moe_text",
    "qwen3_5_text", "qwen3_asr", "qwen3_moe", "qwen3_next", "qwen3_omni_moe_thinker", "qwen3_vl",
    "qwen3_vl_moe", "qwen3_vl_moe_text", "qwen3_vl_text", "recurrent_gemma", "roberta",
    "roberta-prelayernorm", "roc_bert", "seamless_m4t", "seamless_m4t_v2", "seed_oss", "shieldgemma2",
    "smollm3", "smolvlm", "solar_open", "splinter", "stablelm", "starcoder2", "step3p7",
    "switch_transformers", "t5", "t5gemma", "t5gemma2", "ultrabert", "ultravbert", "umt5", "vaultgemma",
    "vipllava", "voxtral", "xlm-roberta", "xlm-roberta-xl", "xmod", "youtu", "zamba", "zaya",
))  # fmt: skip

# They multiply queries and keys themselves; the operations are followed.
FOLLOWED = frozenset((
    "big_bird", "bigbird_pegasus", "bloom", "bros", "codegen", "convbert", "deberta", "deberta-v2",
    "falcon", "flaubert", "fsmt", "git", "gpt_neo", "gpt_neox_japanese", "gptj",
    "ibert", "luke", "megatron-bert", "mpnet", "mpt", "mvp", "openai-gpt", "rembert", "roformer", "tapas",
    "trocr", "unlimited_ocr", "visual_bert", "xglm", "xlm", "xlnet",
))  # fmt: skip

SHOWN = INTERFACE | FOLLOWED

STATE_SPACE = "it has no softmax attention: a state-space model keeps a state instead of looking back"
IN_PART = "its attention is computed in a way of its own (blocks, hashing or low rank) that no map shows exactly"
MERGED = "it merges neighbouring tokens between its layers, so its maps do not belong to the tokens of the text"
NO_SOFTMAX = "it has no softmax attention"
REFUSED_TYPES: dict[str, str] = {
    **dict.fromkeys(("mamba", "mamba2", "falcon_mamba"), STATE_SPACE),
    **dict.fromkeys(("rwkv", "xlstm", "fnet"), NO_SOFTMAX),
    **dict.fromkeys(("canine", "funnel"), MERGED),
    **dict.fromkeys(
        (
            "longt5",
            "pp_formulanet",
            "flava",
            "glpn",
            "led",
            "longformer",
            "mra",
            "prophetnet",
            "reformer",
            "squeezebert",
            "yoso",
        ),
        IN_PART,
    ),
}
OTHER_WAY = "choose a GPT-2, a Llama, a BERT, a T5 or another model whose attention is a softmax over all keys"
