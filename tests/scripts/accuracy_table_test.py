# SPDX-License-Identifier: Apache-2.0
"""Tables of how accurate predictions are, by figures worked out by hand. Needs pytest."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent.parent / "scripts"))
from offload_results import table as tables  # noqa: E402
from offload_results.tables import condensed  # noqa: E402
from offload_results.results import BadInput  # noqa: E402


def case(policy, measured, predicted, label="decode/tokens:1", contends=True):
    return {"label": label, "policy": policy, "start": "steady", "captured": False, "contends": contends,
            "predicted": predicted and {"seconds": predicted, "least_s": predicted / 1.1, "most_s": predicted * 1.1},
            "summary": {"median_s": measured, "min_s": measured, "max_s": measured}}


def of_run(model, budget, *cases):
    return {"model": model, "budget": budget, "command": f"{model} {budget} {len(cases)}", "complete": True, "cases": list(cases)}


def written(path, *runs):
    path.write_text(condensed.text_of({**condensed.empty(), "runs": list(runs)}))
    return path


@pytest.fixture(name="path")
def two_models(tmp_path):
    return written(
        tmp_path / "a.json",
        of_run("a", 0, case("device_resident", 0.1, 0.1, contends=False), case("pinned_copy", 1.0, 1.0),
               case("pinned_ring_copy", 1.02, 0.95), case("host_compute", 3.0, 2.0), case("pinned_batch_copy", 5.0, None)),
        of_run("b", 0.25, case("pinned_copy", 1.0, 1.04), case("pinned_ring_copy", 1.5, 1.0),
               case("pinned_copy", 1.0, 1.0, "prefill/tokens:512"), case("hybrid_split", 1.0, 1.1, "prefill/tokens:512")))


def rows(path, what):
    return tables.render([path], what).splitlines()[2:]


def test_policies_stand_below_their_groups(path):
    assert rows(path, "accuracy") == [
        "| **copies, rings, prefetches, zero-copy, read-once, batched copies** | 5 | 4.0 | 60.0 | 50.0 | 80.0 | 1.21x |",
        "| `pinned_copy` | 3 | 0.0 | 100.0 | 4.0 | 100.0 | 1.21x |",
        "| `pinned_ring_copy` | 2 | 28.7 | 0.0 | 50.0 | 50.0 | 1.21x |",
        "| `device_resident` | 1 | 0.0 | 100.0 | 0.0 | 100.0 | 1.21x |",
        "| **CPU and faults** | 2 | 30.0 | 0.0 | 50.0 | 50.0 | 1.21x |",
        "| `host_compute` | 1 | 50.0 | 0.0 | 50.0 | 0.0 | 1.21x |",
        "| `hybrid_split` | 1 | 10.0 | 0.0 | 10.0 | 100.0 | 1.21x |",
        "| all | 8 | 5.7 | 50.0 | 50.0 | 75.0 | 1.21x |"]


def test_models_have_their_worst_case_of_the_first_group(path):
    assert rows(path, "accuracy:models") == [
        "| `a` | 2 | 3.7 | 7.4 | `decode/tokens:1`, `pinned_ring_copy`, 0 % on the GPU |",
        "| `b` | 3 | 4.0 | 50.0 | `decode/tokens:1`, `pinned_ring_copy`, 25 % on the GPU |"]


def test_the_chosen_policy_stands_beside_the_fastest(path):
    assert rows(path, "winners") == [
        "| 0 % | 1 | 0 | 1 | 2.0 | `a`, `decode/tokens:1`: `pinned_ring_copy`, not `pinned_copy` |",
        "| 25 % | 2 | 1 | 1 | 50.0 | `b`, `decode/tokens:1`: `pinned_ring_copy`, not `pinned_copy` |",
        "| all | 3 | 1 | 2 | 50.0 | `b`, `decode/tokens:1`: `pinned_ring_copy`, not `pinned_copy` |"]


def test_documents_are_put_up_to_date(path):
    marked = "<!-- offload-results table a.json winners -->\n<!-- end -->\n"
    updated = tables.update(marked, path.parent)
    assert "| all | 3 |" in updated and tables.update(updated, path.parent) == updated


@pytest.mark.parametrize("what,message", [
    ("accuracy:policies", "there are accuracy and accuracy:models"), ("winners:all", "there is winners")])
def test_other_tables_are_refused(path, what, message):
    with pytest.raises(BadInput, match=message):
        tables.render([path], what)


def test_what_cannot_be_shown_is_said(tmp_path):
    alone = written(tmp_path / "a.json", of_run("a", 0, case("host_compute", 1.0, None)))
    for what, message in (("accuracy", "no case has a prediction"), ("winners", "no two policies")):
        with pytest.raises(BadInput, match=message):
            tables.render([alone], what)
    twice = written(tmp_path / "b.json", of_run("a", 0, case("pinned_copy", 1.0, 1.0)),
                    of_run("a", 0, case("pinned_copy", 1.0, 1.0), case("pinned_ring_copy", 1.0, 1.0)))
    with pytest.raises(BadInput, match="a/0/decode/tokens:1/pinned_copy/steady stands there twice"):
        tables.render([twice], "accuracy")
    with pytest.raises(BadInput, match="a/0/decode/tokens:1/host_compute/steady stands there twice"):
        tables.render([alone, alone], "accuracy")


def test_runs_of_several_files_are_one_table(path, tmp_path):
    more = written(tmp_path / "b.json", of_run("z", 0, case("pinned_copy", 1.0, 1.0)))
    count = [int(rows(one, "accuracy")[-1].split("|")[2]) for one in (path, more)]
    assert tables.render([path, more], "accuracy").splitlines()[-1].split("|")[2] == f" {sum(count)} "
