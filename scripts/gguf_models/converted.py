# SPDX-License-Identifier: Apache-2.0
"""Tensors of a checkpoint as llama.cpp's converter writes them: what it merges, splits and turns, by the names
that the gguf package has for each architecture."""
import collections
import math
import re

EXPERT = re.compile(r"(.*\.(?:experts|altup))\.(\d+)\.(\w+)\.(weight|bias)")
SUFFIXES = (".weight", ".bias")
# In files of their own.
TOWERS = re.compile(r"(^|\.)(vision|visual|image|audio|multi_modal|multimodal|mm_|connector|perceiver|aligner|vq|"
                    r"generation|qformer|projector|mlp_AR|vit_|view_|sam_model)")
# By what architectures other than its own call a thing.
OTHER_NAMES = [(r"attn_sub_norm", "inner_attn_ln"), (r"ffn_sub_norm", "ffn_layernorm"),
               (r"^model\.blocks\.", "model.layers."),
               (r"block_sparse_moe\.", "mlp."), (r"^backbone\.(.*)\.mixer\.", r"model.\1.mlp."), (r"^\w+\.", "")]
# Numbers that go into the metadata.
IN_METADATA = re.compile(r"\.act_fn\.")
# Tables that a config implies, of models that stretch their positions.
TABLES = {"llama": ["rope_freqs.weight"], "phi3": ["rope_factors_long.weight", "rope_factors_short.weight"]}
FLOATS = re.compile(r"_norm\.|ffn_gate_inp|ssm_conv1d|shortconv\.conv|_exps_scale|altup|ssm_a|ssm_d")


class NotMapped(Exception):
    """A tensor for which there is no name."""


def convert(tensors, fields, name_map):
    """[(name, shape)]; `tensors` are {name: shape}, `fields` those of the text model."""
    text = {plain_name(name): shape for name, shape in tensors.items() if not TOWERS.search(plain_name(name))}
    changed = []
    for name, shape in merged_experts(text).items():
        if not IN_METADATA.search(name):
            changed += parts_of(name, shape, text, fields, name_map)
    return [(mapped(name, name_map), shape) for name, shape in changed]


def in_metadata(tensors):
    """How many elements are no tensor's any more."""
    return sum(math.prod(shape) for name, shape in tensors.items() if IN_METADATA.search(name))


def plain_name(name):
    """As in a model of text alone."""
    name = re.sub(r"^(model\.)?(language_model|text_model|thinker)\.(model\.)?", "model.", name)
    name = re.sub(r"^model\.altup_(\w+)\.(\d+)\.", r"model.altup.\2.altup_\1.", name)  # one below the other
    return name.replace("model.lm_head", "lm_head")


def merged_experts(tensors):
    merged, experts = {}, collections.defaultdict(dict)
    for name, shape in tensors.items():
        found = EXPERT.fullmatch(name)
        if found:
            experts[f"{found[1]}.{found[3]}.{found[4]}"][int(found[2])] = shape
        else:
            merged[name] = shape
    for name, shapes in experts.items():
        name = name.replace("altup.altup_", "altup_")
        first = shapes[0]
        if set(shapes) != set(range(len(shapes))) or any(shape != first for shape in shapes.values()):
            raise NotMapped(f"{name}: experts of several shapes")
        merged[name] = (len(shapes), *first)
    return merged


def parts_of(name, shape, tensors, fields, name_map):
    """What becomes of one tensor."""
    stem, _, leaf = name.removesuffix(".weight").rpartition(".")
    if leaf == "gate_up_proj" and len(shape) == 3:
        return halves(stem, gated(shape, tensors, f"{stem}.down_proj"))
    if leaf == "down_proj" and len(shape) == 3 and stem.endswith("experts"):
        up = tensors.get(f"{stem}.gate_up_proj")
        turned = up is not None and up[2] == 2 * shape[1] and up[1] == shape[2]
        return [(f"{stem}.down_proj.weight", (shape[0], shape[2], shape[1]) if turned else shape)]
    if leaf == "gate_up_proj_bias":
        return [(f"{stem}.{half}_proj.bias", (shape[0], shape[1] // 2)) for half in ("gate", "up")]
    if leaf == "down_proj_bias":
        return [(f"{stem}.down_proj.bias", shape)]
    if leaf == "kv_b_proj" and found_name(f"{stem}.k_b_proj.weight", name_map):
        return keys_and_values(stem, shape, fields)
    if leaf == "input_linear":
        return granite_inputs(stem, shape)
    if leaf == "in_proj_qkvz":  # queries, keys and values of a linear attention, and its gate
        inner = fields["linear_num_value_heads"] * fields["linear_value_head_dim"]
        return [(f"{stem}.in_proj_qkv.weight", (shape[0] - inner, shape[1])),
                (f"{stem}.in_proj_z.weight", (inner, shape[1]))]
    return [(renamed(name), squeezed(name, shape, tensors))]


def gated(shape, tensors, down):
    """[experts, outputs, inputs] of gate and up together."""
    below = tensors.get(down, tensors.get(down + ".weight", (0, 0, 0)))
    turned = shape[2] == 2 * below[1] and shape[1] == below[2]
    return (shape[0], shape[2], shape[1]) if turned else shape


def halves(stem, shape):
    return [(f"{stem}.{half}_proj.weight", (shape[0], shape[1] // 2, shape[2])) for half in ("gate", "up")]


def keys_and_values(stem, shape, fields):
    """Of latent attention: keys turned, so that they may be absorbed."""
    heads, nope, value = (fields[name] for name in ("num_attention_heads", "qk_nope_head_dim", "v_head_dim"))
    if shape[0] != heads * (nope + value):
        raise NotMapped(f"{stem}.kv_b_proj")
    return [(f"{stem}.k_b_proj.weight", (heads, shape[1], nope)),
            (f"{stem}.v_b_proj.weight", (heads, value, shape[1]))]


def granite_inputs(stem, shape):
    """Gate over up, of all experts or of the shared one."""
    half = (*shape[:-2], shape[-2] // 2, shape[-1])
    if len(shape) == 3:
        kinds = ("mlp.experts.gate_proj", "mlp.experts.up_proj")
    else:
        kinds = ("mlp.shared_expert.gate_proj", "mlp.shared_expert.up_proj")
    layer = stem.rpartition(".")[0]
    return [(f"{layer}.{kind}.weight", half) for kind in kinds]


def renamed(name):
    for before, after in (("e_score_correction_bias", "e_score_correction.bias"), (".dt_bias", ".dt_proj.bias"),
                          (".expert_bias", ".expert_bias.bias"), (".sinks", ".sinks.weight")):
        if name.endswith(before):
            return name.removesuffix(before) + after
    return name


def squeezed(name, shape, tensors):
    if "conv" in name and len(shape) == 3:
        return tuple(length for length in shape if length != 1)
    module, _, leaf = name.rpartition(".")
    of_heads = leaf in ("A_log", "D") and len(tensors.get(f"{module}.A_log", ())) == 1
    return (*shape, 1) if of_heads and re.search(r"(mixer|mamba)$", module) else shape


def mapped(name, name_map):
    found = found_name(name, name_map)
    if found is None:
        raise NotMapped(name)
    return found


def found_name(name, name_map):
    others = (re.sub(pattern, other, name) for pattern, other in OTHER_NAMES)
    found = (name_map.get_name(one, try_suffixes=SUFFIXES) for one in (name, *others))
    return next(filter(None, found), None)


def type_of(name, shape):
    """What is no matrix, or decides, stays in floats."""
    return "F32" if len(shape) < 2 or FLOATS.search(name) else "BF16"
