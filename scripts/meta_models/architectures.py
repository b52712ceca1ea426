# SPDX-License-Identifier: Apache-2.0
"""Which architectures there are, and with what dimensions each is built."""
import json
import pathlib

from offload_results.results import BadInput

PRESETS = pathlib.Path(__file__).resolve().parents[2] / "bench/models/presets"

# Of those that transformers can build with a head: encoders, and decoders of other things than text alone.
NO_DECODERS = {
    "bert", "bert-generation", "big_bird", "blip", "camembert", "data2vec-text", "electra", "ernie", "git",
    "megatron-bert", "pi0", "reformer", "rembert", "roberta", "roberta-prelayernorm", "roc_bert", "roformer",
    "xlm", "xlm-roberta", "xlm-roberta-xl", "xlnet", "xmod",
}

OPT = {"model_type": "opt", "hidden_size": 2560, "word_embed_proj_dim": 2560, "ffn_dim": 10240,
       "num_hidden_layers": 32, "num_attention_heads": 32}
# What a class needs beside its own defaults to be built at all, or to be of its kind.
NEEDED = {
    "blip-2": {"text_config": OPT},
    "dbrx": {"d_model": 6144, "n_heads": 48, "n_layers": 40, "vocab_size": 100352, "max_seq_len": 32768,
             "attn_config": {"kv_n_heads": 8, "clip_qkv": 8, "rope_theta": 500000},
             "ffn_config": {"ffn_hidden_size": 10752, "moe_num_experts": 16, "moe_top_k": 4}},
    "deepseek_v2": {
        "vocab_size": 102400, "hidden_size": 2048, "intermediate_size": 10944, "moe_intermediate_size": 1408,
        "num_hidden_layers": 27, "num_attention_heads": 16, "num_key_value_heads": 16, "n_routed_experts": 64,
        "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1, "q_lora_rank": None,
        "kv_lora_rank": 512, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128},
    "dots1": {"moe_intermediate_size": 1408, "num_key_value_heads": 32, "n_routed_experts": 128,
              "n_shared_experts": 2, "num_experts_per_tok": 6, "first_k_dense_replace": 1},
    "hunyuan_v1_dense": {"head_dim": 128},
    "hunyuan_v1_moe": {"head_dim": 128, "num_experts": 64, "moe_topk": 8},
    "instructblip": {"text_config": OPT},
    "instructblipvideo": {"text_config": OPT},
    "lfm2": {"layer_types": ["conv", "conv", "full_attention", "conv"] * 8},
    "lfm2_moe": {"layer_types": ["conv", "conv", "full_attention", "conv"] * 8},
    "ministral": {"head_dim": 128},
    "nemotron": {"head_dim": 128, "num_key_value_heads": 8},
    "ovis2": {"vocab_size": 151936, "hidden_size": 4096},
    "zamba2": {"num_mem_blocks": 2, "use_shared_attention_adapter": True, "mamba_ngroups": 2},
}

# Which of them have the dimensions of a model that is published, and the parameters it is known to have.
PUBLISHED = {
    "biogpt": ("BioGPT", 346_763_264),
    "cohere": ("Command R 35B", 34_980_831_232),
    "dbrx": ("DBRX", 131_596_523_520),
    "deepseek_v2": ("DeepSeek-V2-Lite", 15_706_484_224),
    "falcon": ("Falcon 7B", 6_921_720_704),
    "fuyu": ("Fuyu 8B", 9_408_238_592),
    "gemma": ("Gemma 7B", 8_537_680_896),
    "gemma2": ("Gemma 2 2B", 2_614_341_888),
    "glm": ("GLM-4 9B", 9_399_951_360),
    "glm4": ("GLM-4 9B 0414", 9_400_279_040),
    "gpt2": ("GPT-2", 124_439_808),
    "gpt_neo": ("GPT-Neo 1.3B", 1_315_575_808),
    "gpt_neox": ("GPT-NeoX 20B", 20_554_567_680),
    "gptj": ("GPT-J 6B", 6_050_882_784),
    "jamba": ("Jamba v0.1", 51_570_323_328),
    "llama": ("Llama 2 7B", 6_738_415_616),
    "mamba2": ("Mamba-Codestral 7B", 7_285_403_648),
    "mistral": ("Mistral 7B v0.1", 7_241_732_096),
    "olmo": ("OLMo 7B", 6_888_095_744),
    "opt": ("OPT 125M", 125_239_296),
    "phi": ("Phi-1.5", 1_418_270_720),
    "phi3": ("Phi-3-mini", 3_821_079_552),
    "phimoe": ("Phi-3.5-MoE", 41_872_793_600),
    "qwen2_moe": ("Qwen1.5-MoE A2.7B", 14_315_784_192),
    "rwkv": ("RWKV-4 7B", 7_392_649_216),
    "smollm3": ("SmolLM3 3B", 3_075_098_624),
    "stablelm": ("StableLM 3B", 2_795_443_200),
    "starcoder2": ("StarCoder2 3B", 3_030_371_328),
    "xglm": ("XGLM 564M", 564_463_616),
}

GEMMA_4 = {
    "model_type": "gemma4_text", "vocab_size": 262144, "head_dim": 256, "global_head_dim": 512,
    "attention_k_eq_v": True, "hidden_size_per_layer_input": 0, "num_kv_shared_layers": 0,
    "use_double_wide_mlp": False, "tie_word_embeddings": True}
# Models whose published config.json says what no default of its class says, or by other names. Their repositories:
# deepseek-ai/DeepSeek-V4-Flash, google/gemma-4-26B-A4B-it and -31B-it, MiniMaxAI/MiniMax-M3,
# nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-BF16, stepfun-ai/Step-3.7-Flash.
FORMS = {
    "deepseek-v4-flash": ("deepseek_v4", {
        "vocab_size": 129280, "hidden_size": 4096, "num_hidden_layers": 43, "num_attention_heads": 64,
        "num_key_value_heads": 1, "head_dim": 512, "qk_rope_head_dim": 64, "q_lora_rank": 1024, "o_lora_rank": 1024,
        "o_groups": 8, "hc_mult": 4, "index_head_dim": 128, "index_n_heads": 64, "index_topk": 512,
        "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 6, "moe_intermediate_size": 2048,
        "num_hash_layers": 3, "compress_ratios": [0, 0] + [4, 128] * 20 + [4, 0], "num_nextn_predict_layers": 1,
        "tie_word_embeddings": False}),
    "gemma-4-31b": ("gemma4", {"text_config": GEMMA_4 | {
        "hidden_size": 5376, "intermediate_size": 21504, "num_hidden_layers": 60, "num_attention_heads": 32,
        "num_key_value_heads": 16, "num_global_key_value_heads": 4, "enable_moe_block": False,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 10}}),
    "gemma-4-26b-a4b": ("gemma4", {"text_config": GEMMA_4 | {
        "hidden_size": 2816, "intermediate_size": 2112, "num_hidden_layers": 30, "num_attention_heads": 16,
        "num_key_value_heads": 8, "num_global_key_value_heads": 2, "enable_moe_block": True, "num_experts": 128,
        "top_k_experts": 8, "moe_intermediate_size": 704,
        "layer_types": (["sliding_attention"] * 5 + ["full_attention"]) * 5}}),
    "minimax-m3": ("minimax_m3_vl", {"text_config": {
        "model_type": "minimax_m3_vl_text", "vocab_size": 200064, "hidden_size": 6144, "num_hidden_layers": 60,
        "num_attention_heads": 64, "num_key_value_heads": 4, "head_dim": 128, "intermediate_size": 3072,
        "dense_intermediate_size": 12288, "shared_intermediate_size": 3072, "num_local_experts": 128,
        "num_experts_per_tok": 4, "n_shared_experts": 1, "moe_layer_freq": [0] * 3 + [1] * 57,
        "sparse_attention_config": {"sparse_index_dim": 128, "sparse_num_index_heads": 4,
                                    "sparse_attention_freq": [0] * 3 + [1] * 57}}}),
    "nemotron-3-super-120b-a12b": ("nemotron_h", {
        "vocab_size": 131072, "hidden_size": 4096, "num_hidden_layers": 88, "num_attention_heads": 32,
        "num_key_value_heads": 2, "head_dim": 128, "mamba_num_heads": 128, "mamba_head_dim": 64, "n_groups": 8,
        "ssm_state_size": 128, "conv_kernel": 4, "n_routed_experts": 512, "num_experts_per_tok": 22,
        "n_shared_experts": 1, "moe_intermediate_size": 2688, "moe_latent_size": 1024,
        "moe_shared_expert_intermediate_size": 5376, "num_nextn_predict_layers": 1, "tie_word_embeddings": False,
        "hybrid_override_pattern": "MEMEMEM*EMEMEMEM*EMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEMEM*EMEMEMEM*"
                                   "EMEMEMEME"}),
    "step-3.7-flash": ("step3p7", {"text_config": {
        "model_type": "step3p5", "vocab_size": 128896, "hidden_size": 4096, "num_hidden_layers": 45,
        "num_attention_heads": 64, "num_attention_groups": 8, "head_dim": 128, "intermediate_size": 11264,
        "moe_num_experts": 288, "moe_top_k": 8, "moe_intermediate_size": 1280, "share_expert_dim": 1280,
        "moe_layers_enum": ",".join(str(layer) for layer in range(3, 45)), "num_nextn_predict_layers": 3,
        "attention_other_setting": {"attention_type": "sliding_attention", "num_attention_heads": 96,
                                    "num_attention_groups": 8, "head_dim": 128},
        "layer_types": ["full_attention", "sliding_attention", "sliding_attention", "sliding_attention"] * 12}}),
}

# Built otherwise than its checkpoints are.
OTHERWISE = {"longcat_flash": "transformers gives weights to experts that have none"}

# Of no tensor's shape, or of what is not the text model.
NOT_OF_SHAPES = {"aliases", "also", "max_position_embeddings", "max_position_embeddings_of", "quantization_config"}


def presets():
    """(name, model_type, fields) of the models that are published with the fields in bench/models/presets."""
    for path in sorted(PRESETS.glob("*.json")):
        fields = {name: value for name, value in json.loads(path.read_text()).items()
                  if name not in NOT_OF_SHAPES}
        yield path.stem, fields.pop("model_type"), fields


def entries(decoders):
    """(name, model_type, fields, published) of all that is built; `decoders` are the types that have a class."""
    yield from ((*preset, True) for preset in presets())
    yield from ((name, model_type, fields, True) for name, (model_type, fields) in FORMS.items())
    for model_type in sorted(decoders - NO_DECODERS):
        yield model_type, model_type, NEEDED.get(model_type, {}), False


def dimensions(name, parameters, published):
    """Whose they are: a model's, or nobody's but the class's."""
    if published:
        return name
    model, known = PUBLISHED.get(name, ("", parameters))
    if parameters != known:
        raise BadInput(f"{name}: {parameters} parameters by transformers, but {model} has {known}")
    return model
