# SPDX-License-Identifier: Apache-2.0
"""One HTML file from the parts in page/. Nothing from a results file is ever markup: data stands in
a block that no browser runs, and the scripts only ever make text of it."""
import base64
import functools
import hashlib
import json
import pathlib

from . import policy_styles

LICENCE = "// SPDX-License-Identifier: Apache-2.0\n"  # once for all modules, in page.html
PARTS = pathlib.Path(__file__).parent / "page"
SCRIPTS = ("dom", "numbers", "data", "table", "tooltip", "marks", "axes", "levels", "curves",
           "bars", "detail", "columns", "filters", "sections", "runs", "theme", "main")
# JSON needs none of these bare; in HTML each could end the block or begin something else.
ESCAPED = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def html(data):
    parts = {"@STYLE@": style(), "@SCRIPT@": script(), "@DATA@": embedded(data)}
    parts["@POLICY@"] = policy(parts["@STYLE@"], parts["@SCRIPT@"])
    text = read("page.html")
    for mark in ("@POLICY@", "@STYLE@", "@SCRIPT@", "@DATA@"):  # data last: it may hold marks
        before, _, after = text.partition(mark)
        text = before + parts[mark] + after
    return text


def embedded(data):
    text = json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for character, escape in ESCAPED.items():
        text = text.replace(character, escape)
    return text


def style():
    return read("style.css") + policy_styles.css() + "\n"


def script():
    modules = "".join(read(f"{name}.js").removeprefix(LICENCE) for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{modules}}})();\n'


def policy(css, javascript):
    """Nothing may be loaded, from nowhere; only this very style and script may be used."""
    return (f"default-src 'none'; style-src {digest(css)}; script-src {digest(javascript)}; "
            "base-uri 'none'; form-action 'none'")


def digest(text):
    found = hashlib.sha256(text.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(found).decode('ascii')}'"


@functools.cache
def read(name):
    return (PARTS / name).read_text(encoding="utf-8")
