# SPDX-License-Identifier: Apache-2.0
"""vLLM's own module of offloaders: of the installed package, or of its sources alone, with stand-ins
for what they import."""
import dataclasses
import importlib
import importlib.metadata
import importlib.util
import pathlib
import re
import types
import typing

from offload_results.results import BadInput

MODULE = "vllm.model_executor.offloader"


@dataclasses.dataclass(frozen=True)
class Engine:
    offloader: types.ModuleType
    version: typing.Optional[str]  # None where the sources do not say
    stand_ins: typing.List[str]  # modules of vLLM that ours stand in for; none of the installed one

    @property
    def uva_op(self):
        """Whose code makes a tensor of the GPU from pinned memory."""
        return "stand-in" if self.stand_ins else "vllm"

    def as_json(self):
        return {"version": self.version, "modules": "sources" if self.stand_ins else "installed",
                "stand_ins": self.stand_ins, "pinned": self.offloader.should_pin_memory()}


def load(path):
    """Of the package's folder at `path`, or None for the installed package."""
    return of_sources(path) if path else installed()


def installed():
    if importlib.util.find_spec("vllm") is None:
        raise BadInput("vLLM is not installed here: give the folder of its sources by --vllm")
    # _custom_ops loads the compiled operators, of which UVA needs one.
    offloader, _ = imported("the installed vLLM", MODULE, "vllm._custom_ops")
    return Engine(offloader, importlib.metadata.version("vllm"), [])


def of_sources(path):
    package = package_at(path)
    from . import stand_ins
    names = stand_ins.install(package)
    [offloader] = imported(path, MODULE)
    return Engine(offloader, version_at(package), names)


def imported(where, *modules):
    try:
        return [importlib.import_module(module) for module in modules]
    except Exception as error:  # whatever another release asks for
        raise BadInput(f"{where}: {' and '.join(modules)} cannot be imported: {error}") from None


def package_at(path):
    """The folder of the package vllm: `path`, or one in it."""
    for folder in (pathlib.Path(path), pathlib.Path(path) / "vllm"):
        if (folder / "model_executor/offloader/__init__.py").is_file():
            return folder
    raise BadInput(f"{path}: has no model_executor/offloader: give the folder of vLLM's sources")


def version_at(package):
    """As the wheel's vllm/_version.py says it, or None."""
    try:
        text = (package / "_version.py").read_text(encoding="utf-8")
    except OSError:
        return None
    found = re.search(r"^__version__\s*=.*?['\"]([^'\"]+)['\"]", text, re.MULTILINE)
    return found[1] if found else None
