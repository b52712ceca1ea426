# SPDX-License-Identifier: Apache-2.0
"""Which files are committed in results/, for tests that read them all. Each folder holds one kind:
profiles_test.py checks that no file lies in another's."""
import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA_1 = ROOT / "tests/data/schema-1"
NOT_RESULTS = {"schema", "platforms"}
RESULTS = sorted(path for path in (ROOT / "results").glob("*/*.json")
                 if path.parent.name not in NOT_RESULTS)
PLATFORMS = sorted((ROOT / "results/platforms").glob("*.json"))
# results/ is renewed by newer programs; what older ones wrote has to be read all the same.
OLD = sorted(SCHEMA_1.glob("*.json")) + sorted(
    path for path in (ROOT / "tests/data/mended").glob("*.json") if path.name != "samples.json")


def short(path):
    """What a test of one of them is called."""
    return f"{path.parent.name}/{path.stem}"
