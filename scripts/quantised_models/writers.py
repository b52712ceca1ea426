# SPDX-License-Identifier: Apache-2.0
"""What each quantiser writes: its own code makes the tensors, of models without training or meaning. A writer
returns ({name: tensor}, fields of config.json, {other file: content}, the package that wrote it)."""
import contextlib
import importlib.metadata
import io
import json
import pathlib
import tempfile

import torch

from . import plain


def version(package):
    return f"{package} {importlib.metadata.version(package)}"


def compressed_tensors(scheme, changed=None):
    def write(model):
        from compressed_tensors.compressors import ModelCompressor
        from compressed_tensors.quantization import QuantizationConfig, apply_quantization_config
        from compressed_tensors.quantization import preset_name_to_scheme
        root = plain.modules(*model)
        group = preset_name_to_scheme(scheme, ["Linear"])
        for name, value in (changed or {}).items():
            setattr(group.weights, name, value)
        config = QuantizationConfig(config_groups={"group_0": group})
        apply_quantization_config(root, config)
        for module in root.modules():  # as calibration in order of activations leaves it
            if (changed or {}).get("actorder") == "group" and hasattr(module, "weight_scale"):
                order = torch.arange(module.weight.shape[1], dtype=torch.int32)
                module.register_parameter("weight_g_idx", torch.nn.Parameter(order, requires_grad=False))
        compressor = ModelCompressor.from_pretrained_model(root)
        compressor.compress_model(root)
        with tempfile.TemporaryDirectory() as folder:
            compressor.update_config(folder)
            fields = json.loads((pathlib.Path(folder) / "config.json").read_text())
        fields["quantization_config"]["ignore"] = ["lm_head"]  # here it is no Linear, and so not in the list
        return root.state_dict(), fields, {}, version("compressed-tensors")
    return write


def gptq(bits, group_size, **fields):
    def write(model):
        with contextlib.redirect_stdout(io.StringIO()):
            from gptqmodel.nn_modules.qlinear.torch import TorchLinear
            root = plain.replace_matrices(plain.modules(*model), lambda linear: TorchLinear(
                bits=bits, group_size=group_size, sym=True, desc_act=False, in_features=linear.in_features,
                out_features=linear.out_features, bias=False, register_buffers=True))
        config = {"quant_method": "gptq", "bits": bits, "group_size": group_size, "desc_act": False, "sym": True,
                  "lm_head": False, "checkpoint_format": "gptq", **fields}
        return root.state_dict(), {"quantization_config": config}, {}, version("gptqmodel")
    return write


def awq(group_size):
    def write(model):
        from awq.modules.linear.gemm import WQLinear_GEMM
        root = plain.replace_matrices(plain.modules(*model), lambda linear: WQLinear_GEMM.from_linear(
            linear, 4, group_size, init_only=True))
        config = {"quant_method": "awq", "bits": 4, "group_size": group_size, "version": "gemm", "zero_point": True,
                  "modules_to_not_convert": None}
        return root.state_dict(), {"quantization_config": config}, {}, version("autoawq")
    return write


def fp8_blocks():
    def write(model):
        from transformers.integrations.finegrained_fp8 import FP8Linear
        root = plain.replace_matrices(plain.modules(*model), lambda linear: FP8Linear(
            linear.in_features, linear.out_features, block_size=(128, 128)))
        config = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic", "weight_block_size": [128, 128]}
        return root.state_dict(), {"quantization_config": config}, {}, version("transformers")
    return write


def mxfp4():
    """gpt-oss's: what transformers itself turns back into the experts' tensors."""
    def write(model):
        from transformers.integrations.mxfp4 import convert_moe_packed_tensors
        found = {}
        for name, tensor in plain.tensors(*model).items():
            if not name.endswith(("experts.gate_up_proj", "experts.down_proj")):
                found[name] = tensor
                continue
            experts, inputs, outputs = tensor.shape
            blocks = torch.zeros(experts, outputs, inputs // 32, 16, dtype=torch.uint8)
            scales = torch.zeros(experts, outputs, inputs // 32, dtype=torch.uint8)
            if convert_moe_packed_tensors(blocks, scales).shape != tensor.shape:
                raise ValueError(f"{name}: of another shape in MXFP4")
            found |= {f"{name}_blocks": blocks, f"{name}_scales": scales}
        return found, {"quantization_config": {"quant_method": "mxfp4"}}, {}, version("transformers")
    return write


def saved(folder):
    """(tensors, config.json, other .json files) of a folder."""
    from safetensors import torch as files
    others = {path.name: json.loads(path.read_text()) for path in folder.glob("*.json")}
    fields = others.pop("config.json")
    others.pop("generation_config.json", None)
    return files.load_file(folder / "model.safetensors"), fields, others


def whole(model, folder):
    """A model of transformers with values, saved."""
    from transformers import AutoConfig, AutoModelForCausalLM
    torch.manual_seed(0)
    config = AutoConfig.for_model(model[0], **model[1])
    made = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    made.save_pretrained(folder)


def bitsandbytes(**how):
    def write(model):
        from transformers import AutoModelForCausalLM, BitsAndBytesConfig
        with tempfile.TemporaryDirectory() as name:
            before, after = pathlib.Path(name) / "before", pathlib.Path(name) / "after"
            whole(model, before)
            quantised = AutoModelForCausalLM.from_pretrained(
                before, quantization_config=BitsAndBytesConfig(**how), device_map="cpu")
            quantised.save_pretrained(after)
            found, fields, _ = saved(after)
        return found, {"quantization_config": fields["quantization_config"]}, {}, version("bitsandbytes")
    return write


def modelopt(recipe):
    def write(model):
        import modelopt.torch.export
        import modelopt.torch.quantization
        from transformers import AutoModelForCausalLM
        tokens = torch.arange(16).reshape(1, 16)
        with tempfile.TemporaryDirectory() as name, contextlib.redirect_stdout(io.StringIO()):
            before, after = pathlib.Path(name) / "before", pathlib.Path(name) / "after"
            whole(model, before)
            quantised = modelopt.torch.quantization.quantize(
                AutoModelForCausalLM.from_pretrained(before),
                getattr(modelopt.torch.quantization, recipe), lambda one: one(tokens))
            modelopt.torch.export.export_hf_checkpoint(quantised, export_dir=after)
            found, _, others = saved(after)
        return found, {}, others, version("nvidia-modelopt")
    return write


def mlx(bits, group_size, mode="affine"):
    def write(model):
        import importlib
        import mlx.core
        from mlx.utils import tree_flatten, tree_map
        from mlx_lm.utils import quantize_model
        module = importlib.import_module(f"mlx_lm.models.{model[0]}")
        fields = plain.facts(*model)["config"]
        needed = {"model_type": model[0], "rms_norm_eps": 1e-6, "rope_theta": 1e4, "max_position_embeddings": 2048,
                  "norm_topk_prob": True, "tie_word_embeddings": False}
        made = module.Model(module.ModelArgs.from_dict(needed | fields))
        made.update(tree_map(lambda one: one.astype(mlx.core.bfloat16), made.parameters()))
        made, config = quantize_model(made, fields, group_size, bits, mode=mode)
        found = {name: (value.shape, str(value.dtype).rpartition(".")[2]) for name, value in
                 tree_flatten(made.parameters())}
        return found, {name: config[name] for name in ("quantization", "quantization_config")}, {}, version("mlx-lm")
    return write


WRITERS = {
    "compressed-tensors-W8A8": compressed_tensors("W8A8"),
    "compressed-tensors-FP8": compressed_tensors("FP8"),
    "compressed-tensors-FP8_DYNAMIC": compressed_tensors("FP8_DYNAMIC"),
    "compressed-tensors-FP8_BLOCK": compressed_tensors("FP8_BLOCK"),
    "compressed-tensors-W4A16": compressed_tensors("W4A16"),
    "compressed-tensors-W4A16_ASYM": compressed_tensors("W4A16_ASYM"),
    "compressed-tensors-W4A16-actorder": compressed_tensors("W4A16", {"actorder": "group"}),
    "compressed-tensors-W8A16": compressed_tensors("W8A16"),
    "compressed-tensors-NVFP4A16": compressed_tensors("NVFP4A16"),
    "compressed-tensors-NVFP4": compressed_tensors("NVFP4"),
    "compressed-tensors-MXFP4A16": compressed_tensors("MXFP4A16"),
    "GPTQ-4bit": gptq(4, 128),
    "GPTQ-3bit": gptq(3, 128),
    "GPTQ-8bit": gptq(8, -1),
    "AWQ-4bit": awq(128),
    "fp8-blocks": fp8_blocks(),
    "bitsandbytes-nf4": bitsandbytes(load_in_4bit=True, bnb_4bit_quant_type="nf4"),
    "bitsandbytes-nf4-nested": bitsandbytes(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True),
    "bitsandbytes-int8": bitsandbytes(load_in_8bit=True),
    "ModelOpt-FP8": modelopt("FP8_DEFAULT_CFG"),
    "ModelOpt-NVFP4": modelopt("NVFP4_DEFAULT_CFG"),
    "ModelOpt-FP8_PER_CHANNEL_PER_TOKEN": modelopt("FP8_PER_CHANNEL_PER_TOKEN_CFG"),
    "ModelOpt-FP8_PB_WO": modelopt("FP8_2D_BLOCKWISE_WEIGHT_ONLY_CFG"),
    "ModelOpt-W4A16_AWQ": modelopt("INT4_AWQ_CFG"),
    "ModelOpt-W8A8_SQ_PER_CHANNEL": modelopt("INT8_SMOOTHQUANT_CFG"),
    "ModelOpt-MXFP8": modelopt("MXFP8_DEFAULT_CFG"),
    "MLX-4bit": mlx(4, 64),
    "MLX-3bit": mlx(3, 32),
    "MLX-8bit": mlx(8, 64),
    "MLX-mxfp4": mlx(4, 32, "mxfp4"),
    "MLX-nvfp4": mlx(4, 16, "nvfp4"),
    "MXFP4": mxfp4(),
}


def models_of(form):
    """Experts that transformers keeps in one tensor not all of them take."""
    if form == "MXFP4":
        return [plain.GPT_OSS]
    return [plain.DENSE] if form.startswith(("bitsandbytes", "ModelOpt")) else [plain.DENSE, plain.EXPERTS]
