# SPDX-License-Identifier: Apache-2.0
"""One model as transformers builds it without memory, and what it has."""
import collections
import re

import torch
import transformers
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForImageTextToText
from transformers.core_model_loading import revert_weight_conversion
from transformers.modeling_utils import remove_tied_weights_from_state_dict
from transformers.models.auto import modeling_auto

from .names import patterns, ranges

CAUSAL = set(modeling_auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES)
WITH_IMAGES = set(modeling_auto.MODEL_FOR_IMAGE_TEXT_TO_TEXT_MAPPING_NAMES)
# Fields of a config that bear on no text tensor's shape.
PLAIN = re.compile(
    "rope_(theta|scaling|parameters|interleave|local|type)|^rotary|partial_rotary|dropout|pdrop|_drop$|"
    "_token_id|_token_index|initializer|_act$|activation|use_cache|_eps|epsilon|_loss|_coef$|eos|bos|_version$|"
    "id2label|label2id|problem_type|return_dict|^output_|chunk_size_feed_forward|_range$|(?<!dim)_multiplier|"
    "^summary_|_jitter|^dtype$|^model_type$|"
    "(vision|audio|image|video|perceiver|qformer|vq|projector|adapter|speech|sound|action|dit|talker|sam)_?.*"
    "(config|cfg)$")
EXPERTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts", "num_routed_experts")
PER_TOKEN = ("num_experts_per_tok", "num_experts_per_token", "moe_topk", "moe_k", "top_k_experts", "moe_top_k",
             "num_selected_experts", "moe_num_active_experts", "num_activated_experts", "router_top_k")
DTYPES = {torch.bfloat16: "BF16", torch.float32: "F32", torch.int64: "I64", torch.int32: "I32", torch.bool: "BOOL"}
# Of images or sound, in what transformers takes for the text model: no text passes through it.
NOT_TEXT = re.compile(r"\.vision_moe\.experts\.|\.embed_tokens_extend\.")
CHOOSES = re.compile(r"(?<!attn)\.(gate|router\w*|shared_expert_gate)\.")


class CannotBuild(Exception):
    """The class does not take such a config."""


def decoders():
    return CAUSAL | WITH_IMAGES


def config_of(model_type, fields):
    """transformers' own, and the config.json that says the same: what bears on shapes."""
    full = AutoConfig.for_model(model_type, **fields)
    if getattr(full, "is_encoder_decoder", False):
        return None, None
    said = full.to_diff_dict()
    if "tie_word_embeddings" in said.get("text_config", {}):  # said twice: alike, as in published files
        said["tie_word_embeddings"] = said["text_config"]["tie_word_embeddings"]
    reduced = shortened(said) | {name: value for name, value in fields.items() if name != "text_config"}
    return AutoConfig.for_model(model_type, **reduced), {"model_type": model_type, **reduced}


def shortened(fields):
    """What bears on shapes; a text model's own type stays, since readers go by it."""
    result = {}
    for name, value in fields.items():
        if name == "text_config":
            kind = {"model_type": value["model_type"]} if value.get("model_type") else {}
            result[name] = kind | shortened(value)
        elif value is not None and not name.startswith("_") and not PLAIN.search(name):
            result[name] = value
    return result


def built(config):
    kind = AutoModelForImageTextToText if config.model_type in WITH_IMAGES else AutoModelForCausalLM
    with torch.device("meta"):
        return kind.from_config(config, dtype=torch.bfloat16)


def facts(model_type, fields, as_published):
    """None for an encoder with a decoder; the config is `fields` if they are all it has. Throws CannotBuild."""
    try:
        config, json_fields = config_of(model_type, fields)
        if config is None:
            return None
        model = built(config)
    except Exception as error:  # a class may fail in any way on what it was not made for
        raise CannotBuild(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}") from None
    if as_published:
        json_fields = {"model_type": model_type, **fields}
    json_fields = {"architectures": [type(model).__name__], **json_fields}
    if not {"dtype", "torch_dtype"} & json_fields.keys():
        json_fields["dtype"] = "bfloat16"
    experts, per_token = experts_of(config.get_text_config(), model)
    tensors = stored(model)
    text = text_of(model, config, tensors)
    result = {
        "config": json_fields,
        "parameters": sum(text.values()),
        "other_parameters": sum(tensor.numel() for tensor in tensors.values()) - sum(text.values()),
        "experts": experts,
        "experts_per_token": per_token,
        "layers": layers_of(model, config, tensors, text, experts),
    }
    return result | names_of(model, tensors)


def stored(model):
    """What a checkpoint holds, by the names in memory: no tied copies, no tables that are computed."""
    tables = {name for name, buffer in model.named_buffers() if buffer.dim() > 1 and buffer.is_floating_point()}
    kept = {name: tensor for name, tensor in model.state_dict().items() if name not in tables}
    return remove_tied_weights_from_state_dict(kept, model)


def decoder_of(model):
    found = model.get_decoder() if hasattr(model, "get_decoder") else model
    return found if isinstance(found, transformers.PreTrainedModel) else model


def path_of(model, module):
    return next(name for name, one in model.named_modules(remove_duplicate=False) if one is module)


def text_of(model, config, tensors):
    """{name: elements} of the text model and its head."""
    prefixes = ("",)
    if config.get_text_config() is not config:
        parts = [decoder_of(model), model.get_output_embeddings()]
        prefixes = tuple(path_of(model, part) + "." for part in parts if part is not None)
    return {name: tensor.numel() for name, tensor in tensors.items()
            if name.startswith(prefixes) and not NOT_TEXT.search(name)}


def experts_of(config, model):
    """How many a layer has, and how many of them a token takes."""
    experts = first_number(config, EXPERTS)
    if experts < 2 or not any("expert" in name for name, _ in model.named_parameters()):
        return 0, 0
    return experts, first_number(config, PER_TOKEN)


def first_number(config, names):
    values = [getattr(place, name, None) for place in (config, getattr(config, "ffn_config", None)) for name in names]
    return next((value for value in values if isinstance(value, int)), 0)


def layers_of(model, config, tensors, text, experts):
    """[which layers, elements of the matrices of each] for those that are alike."""
    lists = [(name, one) for name, one in decoder_of(model).named_modules() if isinstance(one, torch.nn.ModuleList)]
    stack = max((one for _, one in lists), key=lambda one: sum(tensor.numel() for tensor in one.parameters()))
    prefix = path_of(model, stack)
    counts = [0] * len(stack)
    for name in text:
        if name.startswith(prefix + ".") and is_matrix(name, tensors[name], experts):
            counts[int(name[len(prefix) + 1:].partition(".")[0])] += tensors[name].numel()
    alike = collections.defaultdict(list)
    for layer, count in enumerate(counts):
        alike[count].append(layer)
    return [[ranges(layers), count] for count, layers in alike.items()]


def is_matrix(name, tensor, experts):
    """One that tokens are multiplied by, or a stack of them; what chooses experts stays in GPU memory."""
    if tensor.dim() < 2 or not tensor.is_floating_point() or name.endswith("bias"):
        return False
    return not (experts and CHOOSES.search(name))


def names_of(model, tensors):
    """As the hub has them; none where transformers cannot turn its own back into them."""
    elements = sum(tensor.numel() for tensor in tensors.values())
    try:
        hub = revert_weight_conversion(model, dict(tensors))
    except Exception as error:  # a conversion may not work without memory
        return {"names": None, "no_names_because": f"{type(error).__name__}: {' '.join(str(error).split())[:120]}"}
    if sum(tensor.numel() for tensor in hub.values()) != elements:
        return {"names": None, "no_names_because": "the checkpoint holds other elements than memory"}
    typed = {name: (tensor.shape, DTYPES[tensor.dtype]) for name, tensor in hub.items()}
    return {"tensors": len(hub), "names": patterns(typed)}
