# SPDX-License-Identifier: Apache-2.0
"""Two small models before they are quantised, by the names of a checkpoint."""
import torch

from meta_models import built

DENSE = ("llama", {"hidden_size": 256, "intermediate_size": 768, "num_hidden_layers": 2, "num_attention_heads": 4,
                   "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 512})
EXPERTS = ("qwen3_moe", {"hidden_size": 256, "intermediate_size": 768, "moe_intermediate_size": 128,
                         "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64,
                         "num_experts": 4, "num_experts_per_tok": 2, "decoder_sparse_step": 1,
                         "mlp_only_layers": [], "vocab_size": 512, "tie_word_embeddings": False})
GPT_OSS = ("gpt_oss", {"hidden_size": 256, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
                       "num_key_value_heads": 2, "head_dim": 64, "num_local_experts": 4, "num_experts_per_tok": 2,
                       "vocab_size": 512, "tie_word_embeddings": False})


def facts(model_type, fields):
    found = built.facts(model_type, fields, as_published=True)
    return {name: found[name] for name in ("config", "parameters", "experts", "experts_per_token", "layers")}


def tensors(model_type, fields):
    config, _ = built.config_of(model_type, fields)
    model = built.built(config)
    return built.revert_weight_conversion(model, built.stored(model))


def modules(model_type, fields):
    """A module for each tensor's: torch's Linear for the matrices of the layers, which quantisers look for."""
    root = torch.nn.Module()
    for name, tensor in tensors(model_type, fields).items():
        *path, leaf = name.split(".")
        filled = torch.zeros(tensor.shape, dtype=tensor.dtype)
        if is_matrix(name, tensor):
            with torch.device("cpu"):
                place(root, path, torch.nn.Linear(tensor.shape[1], tensor.shape[0], bias=False, dtype=tensor.dtype))
        else:
            place(root, path, torch.nn.Module())
            parent(root, [*path, leaf]).register_parameter(leaf, torch.nn.Parameter(filled, requires_grad=False))
    return root


def is_matrix(name, tensor):
    """What quantisers take: neither the embedding nor what chooses experts."""
    return ".layers." in name and tensor.dim() == 2 and not name.endswith("mlp.gate.weight")


def parent(root, path):
    for part in path[:-1]:
        root = getattr(root, part)
    return root


def place(root, path, module):
    for depth, part in enumerate(path[:-1]):
        if not hasattr(parent(root, path[:depth + 1]), part):
            setattr(parent(root, path[:depth + 1]), part, torch.nn.Module())
    setattr(parent(root, path), path[-1], module)


def replace_matrices(root, build):
    """Each Linear by what `build` makes of it."""
    for name, module in list(root.named_modules()):
        if isinstance(module, torch.nn.Linear):
            setattr(parent(root, name.split(".")), name.rpartition(".")[2], build(module))
    return root
