# SPDX-License-Identifier: Apache-2.0
"""Which results files are committed, for tests that read them all."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA_1 = ROOT / "tests/data/schema-1"
RESULTS = sorted(path for path in (ROOT / "results").glob("*/*.json")
                 if path.parent.name != "schema")
# results/ is renewed by newer programs; what older ones wrote has to be read all the same.
OLD = sorted(SCHEMA_1.glob("*.json")) + sorted(
    path for path in (ROOT / "tests/data/mended").glob("*.json") if path.name != "samples.json")


def short(path):
    """What a test of one of them is called."""
    return f"{path.parent.name}/{path.stem}"
