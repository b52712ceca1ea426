# SPDX-License-Identifier: Apache-2.0
"""Packages beyond the standard library: imported where they are needed, refused by one line that says how to
install them."""
import importlib

from .results import BadInput


def imported(module, package, version=""):
    """`module` of `package`, which goes by the same name at PyPI and, after python3-, in Debian."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInput(f"needs {package}{version}: sudo apt-get install python3-{package}, or "
                       f"pip install {package}, or let uv bring it: uv run --project scripts "
                       f"offload-results ... ({error})") from None
