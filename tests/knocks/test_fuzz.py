"""A few damaged inputs of the formats that need no model, and that whoever looks for faults notices them."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets import prepare
from tests.knocks import fuzz, worker
from tests.knocks.damage import KINDS, damaged
from tests.knocks.formats import FORMATS
from tests.knocks.worker import Case, Outcome

NAMES = [name for name, form in FORMATS.items() if not form.sound]


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    scratch = tmp_path_factory.mktemp("samples")
    worker.plant(scratch, NAMES)
    return scratch


def knocked(case: Case, samples: Path, home: Path) -> Outcome:
    if not sys.platform.startswith("linux"):
        pytest.skip("memory is looked up where Linux has it")
    (home / "sound").mkdir(exist_ok=True)
    return worker.run_case(case, samples, home)


@pytest.mark.parametrize("name", NAMES)
def test_damaged_inputs_are_read_or_refused(name: str, samples: Path, tmp_path: Path) -> None:
    outcomes = [knocked(Case(name, number, seed=1), samples, tmp_path) for number in range(3)]
    assert [outcome for outcome in outcomes if outcome.outcome == "breach"] == []


def test_the_damage_depends_on_the_seed_alone() -> None:
    data = b"emotion,pixels,Usage\n" + b"3,1 2 3,Training\n" * 9

    def many(seed: int) -> list[bytes]:
        return [damaged(Path("x.csv"), data, Case("fer2013 csv", i, seed).rng())[1] for i in range(30)]

    assert many(1) == many(1) != many(2)
    assert sum(one != data for one in many(1)) > 20


@pytest.mark.parametrize("ending", KINDS)
def test_every_kind_befits_its_format(ending: str, samples: Path, tmp_path: Path) -> None:
    content = {".h5": samples / "dataset-h5/faces.h5", ".hdf5": samples / "dataset-h5/faces.h5"}.get(ending)
    if content is None:
        np.savez(tmp_path / "x.npz", a=np.arange(3))
        np.save(tmp_path / "x.npy", np.arange(3))
        content = tmp_path / ("x.npy" if ending == ".npy" else "x.npz")
    data = b'{"a": [1, {"b": 2}]}' if ending == ".json" else content.read_bytes()
    for number, kind in enumerate(dict.fromkeys(KINDS[ending])):
        if kind.__name__ != "bomb":
            assert isinstance(kind(data, np.random.default_rng(number)), bytes)


def leave_a_file(*arguments: object, **options: object) -> None:
    Path(str(arguments[1])).write_bytes(b"half")
    raise prepare.InputError("no")


def stumble(*arguments: object, **options: object) -> None:
    raise KeyError("label")


@pytest.mark.parametrize(("fault", "told"), [(leave_a_file, "left behind"), (stumble, "traceback: .*KeyError")])
def test_misbehaviour_is_a_breach(
    fault: object, told: str, samples: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "prepare_dataset", fault)
    # Some damage is refused before anything is prepared.
    found = [knocked(Case("fer2013 csv", number, seed=1), samples, tmp_path) for number in range(4)]
    why = "\n".join(outcome.why for outcome in found if outcome.outcome == "breach")
    assert told.partition(":")[0] in why
    assert told.rpartition("*")[2] in why


def test_the_table_counts_formats_and_outcomes() -> None:
    lines = fuzz.table(Counter({("a", "read"): 2, ("a", "breach"): 1, ("b", "refused"): 4})).splitlines()
    assert [line.split() for line in lines] == [
        ["format", "inputs", "read", "refused", "breach"],
        ["a", "3", "2", "0", "1"],
        ["b", "4", "0", "4", "0"],
        ["all", "7", "2", "4", "1"],
    ]


def test_a_full_run_has_two_thousand_inputs() -> None:
    assert len(fuzz.cases(None, 0, list(FORMATS))) >= 2000
    assert len(fuzz.cases(60, 0, list(FORMATS))) >= 60 - len(FORMATS)
