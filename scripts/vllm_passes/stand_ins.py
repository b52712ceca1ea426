# SPDX-License-Identifier: Apache-2.0
"""What vLLM's offloaders import from the rest of the package, in a few lines each, so that their
sources run alone. Written for 0.33.0; the names and what they do are vLLM's."""
import contextlib
import ctypes
import logging
import os
import sys
import types

import torch

SWITCHES = ("VLLM_WEIGHT_OFFLOADING_DISABLE_PIN_MEMORY", "VLLM_WEIGHT_OFFLOADING_DISABLE_UVA")
LIBRARY = torch.library.Library("vllm", "FRAGMENT")  # operators live as long as it does


def install(package):
    """Makes `import vllm.model_executor.offloader` find the one in the folder `package`, and these.
    Gives the names of the modules that are not vLLM's own."""
    modules = {
        "vllm.logger": {"init_logger": init_logger},
        "vllm.envs": {"__getattr__": environment_switch},
        "vllm.utils.gpu_sync_debug": {"gpu_sync_allowed": contextlib.nullcontext},
        "vllm.utils.mem_utils": {"format_gib": lambda size: f"{round(size / 2**30, 2)}"},
        "vllm.utils.platform_utils": {"is_pin_memory_available": lambda: True,
                                      "is_uva_available": lambda: True},
        "vllm.utils.torch_utils": {
            "direct_register_custom_op": direct_register_custom_op,
            "get_accelerator_view_from_cpu_tensor": get_accelerator_view_from_cpu_tensor,
            "get_dtype_size": lambda dtype: dtype.itemsize},
    }
    packages = {"vllm": [], "vllm.utils": [],
                "vllm.model_executor": [str(package / "model_executor")]}
    for name, folders in packages.items():
        add(name, {"__path__": folders})
    for name, content in modules.items():
        add(name, content)
    return sorted(modules)


def add(name, content):
    module = types.ModuleType(name)
    vars(module).update(content)
    sys.modules[name] = module
    parent, _, own = name.rpartition(".")
    if parent:
        setattr(sys.modules[parent], own, module)


def init_logger(name):
    logger = logging.getLogger(name)
    logger.debug_once, logger.info_once = logger.debug, logger.info
    return logger


def environment_switch(name):
    if name not in SWITCHES:
        raise AttributeError(name)
    return bool(int(os.environ.get(name, "0")))


def direct_register_custom_op(op_name, op_func, mutates_args):
    schema = torch.library.infer_schema(op_func, mutates_args=mutates_args)
    LIBRARY.define(op_name + schema)
    LIBRARY.impl(op_name, op_func, dispatch_key="CUDA")


class DeviceMemory:
    """Memory that the GPU may read where it is, in the words that PyTorch takes. It keeps `owner`
    alive as long as the tensor made of it."""

    def __init__(self, address, owner):
        self.owner = owner
        self.__cuda_array_interface__ = {
            "version": 3, "shape": tuple(owner.shape), "typestr": f"<i{owner.element_size()}",
            "data": (address, False), "strides": None}


def get_accelerator_view_from_cpu_tensor(cpu_tensor):
    """In place of a compiled operator, get_cuda_view_from_cpu_tensor: the same pinned memory at the
    address that the GPU has for it."""
    if not cpu_tensor.is_pinned() or not cpu_tensor.is_contiguous():
        raise RuntimeError("the stand-in for UVA takes contiguous pinned memory only")
    address = ctypes.c_uint64()
    status = ctypes.CDLL("libcuda.so.1").cuMemHostGetDevicePointer_v2(
        ctypes.byref(address), ctypes.c_void_p(cpu_tensor.data_ptr()), ctypes.c_uint(0))
    if status != 0:
        raise RuntimeError(f"cuMemHostGetDevicePointer: error {status}")
    view = torch.as_tensor(DeviceMemory(address.value, cpu_tensor), device="cuda")
    if view.data_ptr() != address.value:
        raise RuntimeError("PyTorch copied pinned memory instead of taking it as it is")
    return view.view(cpu_tensor.dtype)
