"""Judges on a translator whose doings are known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_cli.analysis.translation.base import class_targets, like
from fer_cli.analysis.translation.judge import judge
from fer_cli.analysis.translation.trial import choose_faces
from fer_cli.classical.hog import Hog
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.models import load_model
from fer_cli.store.reader import open_dataset
from tests import helpers
from tests.translation.planted import PlantedTranslator


def test_a_translator_that_does_as_asked_hits_always(model: Path, dataset: Path) -> None:
    with open_dataset(dataset) as faces:
        found = judge(PlantedTranslator(), load_model(model), faces, identity=Hog()).results()
    assert (found["hit_rate"], found["hit_interval"]) == (1, (1, 1))
    assert (found["n"], found["translations"], found["persons"]) == (28, 28 * 6, 10)
    assert found["judge_accuracy"] == 1
    assert [(one["target"], one["n"], one["hit_rate"], one["before"], one["recall"]) for one in found["hits"]] == [
        (name, 24, 1, 0, 1) for name in EMOTIONS
    ]
    assert found["ssim_outside"] == pytest.approx(1)
    assert found["changed"] == pytest.approx(7 * helpers.BLOCK**2 / helpers.SIDE**2)
    assert found["identity"]["persons"] == 10
    assert (found["realism"]["n"], found["realism"]["n_reference"]) == (14, 14)


def test_a_target_that_is_never_reached_shows(model: Path, dataset: Path) -> None:
    with open_dataset(dataset) as faces:
        verdict = judge(PlantedTranslator(deaf=("fear", "sad")), load_model(model), faces)
    rates = {one.target: one.hit_rate for one in verdict.hits()}
    assert {name for name, rate in rates.items() if rate == 0} == {"fear", "sad"}
    assert {rate for name, rate in rates.items() if name not in ("fear", "sad")} == {1.0}
    assert verdict.results()["hit_rate"] == pytest.approx(5 / 7)
    assert verdict.identity() is None


def test_without_strength_nothing_changes(model: Path, dataset: Path) -> None:
    with open_dataset(dataset) as faces:
        found = judge(PlantedTranslator(), load_model(model), faces, strength=0).results()
    assert (found["hit_rate"], found["ssim"]) == (0, 1)
    assert [one["hit_rate"] for one in found["hits"]] == [one["before"] for one in found["hits"]]


def test_classes_are_matched_by_name(tmp_path: Path, dataset: Path) -> None:
    turned = EMOTIONS[::-1]
    theirs = helpers.write_model(tmp_path / "turned.keras")
    with open_dataset(dataset) as faces:
        found = judge(PlantedTranslator(turned), load_model(theirs), faces)
    assert found.results()["hit_rate"] == 1
    with open_dataset(dataset) as faces, pytest.raises(InputError, match="the classes do not match"):
        judge(PlantedTranslator(("a", "b")), load_model(theirs), faces)


def test_one_target_is_judged_by_the_faces_of_other_classes(model: Path, dataset: Path) -> None:
    with open_dataset(dataset) as faces:
        verdict = judge(PlantedTranslator(), load_model(model), faces, targets=class_targets(EMOTIONS, ["Happiness"]))
        rows = verdict.rows()
    assert (verdict.results()["translations"], len(rows)) == (24, 28)
    assert {(row["target"], row["after"]) for row in rows} == {("happy", "happy")}
    assert {row["before"] for row in rows} == set(EMOTIONS)
    assert rows[0]["source"] == "planted:70"
    assert min(row["probability"] for row in rows) > 0.9


def test_a_limit_takes_so_many_of_each_class(dataset: Path) -> None:
    with open_dataset(dataset) as faces:
        chosen = choose_faces(faces, "train", limit=3, seed=1)
    assert np.bincount(chosen.labels).tolist() == [3] * 7
    assert chosen.persons is not None
    assert len(chosen.persons) == 21


def test_targets() -> None:
    (only,) = class_targets(EMOTIONS, ["anger"])
    assert (only.name, only.label, only.condition.tolist()) == ("angry", 0, [1, 0, 0, 0, 0, 0, 0])
    with pytest.raises(UsageError, match="--to: unknown class 'hapy': did you mean 'happy'"):
        class_targets(EMOTIONS, ["hapy"])
    assert like("other", np.array([0.2, 0.5, 0.3])).label == 1
