# SPDX-License-Identifier: Apache-2.0
"""llama.cpp's architecture for each of transformers' model types, by the class that its converter takes."""

# Where the names are others; else it is the type without hyphens and underscores.
ARCHITECTURES = {
    "apertus": "apertus", "bamba": "granitehybrid", "cohere": "command-r", "cohere2_vision": "cohere2", "cwm": "llama",
    "deepseek_v2": "deepseek2", "deepseek_v3": "deepseek2", "exaone4_5": "exaone4", "falcon_mamba": "mamba",
    "gemma3_text": "gemma3", "gemma3n_text": "gemma3n", "gemma4_text": "gemma4", "glm": "chatglm", "glm4v": "glm4",
    "glm46v": "glm4", "glm4v_moe": "glm4moe", "glm4_moe_lite": "deepseek2", "glm_moe_dsa": "glm-dsa",
    "glm_ocr": "glm4", "gpt_bigcode": "starcoder", "granitemoehybrid": "granitehybrid",
    "granitemoeshared": "granitemoe", "hunyuan_v1_dense": "hunyuan-dense", "hunyuan_v1_moe": "hunyuan-moe",
    "internlm3": "llama", "iquestcoder": "llama", "kimi_k25": "deepseek2", "llama4_text": "llama4", "llava": "llama",
    "lfm2_vl": "lfm2", "mimo_v2_flash": "mimo2", "ministral3": "mistral3", "mistral": "llama", "mixtral": "llama",
    "nemotron_h": "nemotron_h_moe", "olmo3": "olmo2", "paddleocr_vl": "paddleocr", "phi": "phi2",
    "qwen2_5_vl": "qwen2vl", "qwen2_5_omni_thinker": "qwen2vl", "qwen3_5_text": "qwen35",
    "qwen3_5_moe_text": "qwen35moe", "qwen3_omni_moe_thinker": "qwen3vlmoe", "solar_open": "glm4moe",
    "step3p7": "step35", "unlimited_ocr": "deepseek2-ocr", "youtu": "deepseek2", "smolvlm": "llama",
    "idefics3": "llama", "sarvam_moe": "bailingmoe2", "janus": "llama",
}
# Of one name by chance.
OTHERS = {"chameleon"}


def plain(name):
    return name.replace("-", "").replace("_", "")


def architecture_of(model_type, known):
    """None where llama.cpp has none; `known` are all of its names."""
    by_name = {plain(name): name for name in known if name not in OTHERS}
    found = ARCHITECTURES.get(model_type) or by_name.get(plain(model_type))
    return found if found in known else None
