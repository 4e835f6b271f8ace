"""`fer train` where it does not learn plain labels of whole images: votes, teachers, crops."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.models import load_model, read_metadata
from fer_cli.training.targets import one_hot
from tests import helpers, tiny
from tests.helpers import run_fer


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


def train(dataset: Path, *options: object) -> dict[str, Any]:
    """The results of a run that is long enough for `tiny` to learn planted faces."""
    quick = ("--arch", "tiny", "--epochs", 8, "--batch-size", 14, "--warmup", 0, "--lr", 0.05, "-o", "net.keras")
    result = run_fer("train", dataset, *quick, *options, "--json", "--overwrite")
    assert result.exit_code == 0, result.stderr
    results: dict[str, Any] = json.loads(result.stdout)["results"]
    return results


def test_votes_are_learnt_in_place_of_the_labels(tmp_path: Path) -> None:
    """Every vote names the class after the label, so a network that learns the votes misnames every val row."""
    records = helpers.planted_records()
    path = helpers.write_dataset(tmp_path / "votes.h5", replace(records, votes=one_hot((records.labels + 1) % 7, 7)))
    learnt = train(path, "--targets", "votes", "--schedule", "constant")
    assert learnt["val"]["accuracy"] < 0.2
    named = load_model(Path("net.keras")).probabilities(records.images).argmax(1)
    assert (named == (records.labels + 1) % 7).mean() > 0.5


def test_a_teacher_is_believed_more_than_wrong_labels(model: Path, tmp_path: Path) -> None:
    """The labels of the train rows are drawn anew, so that only the teacher knows what the faces show."""
    records = helpers.planted_records()
    labels = records.labels.copy()
    labels[:70] = np.random.default_rng(0).permutation(labels[:70])
    path = helpers.write_dataset(tmp_path / "wrong.h5", replace(records, labels=labels))
    assert train(path, "--teacher", model, "--alpha", 0.95)["val"]["accuracy"] > 0.9
    (kept,) = Path("net.training").glob("teacher-*.h5")
    assert kept.stat().st_size < 20_000


def test_a_network_of_crops_is_validated_and_scored_on_the_centre(dataset: Path) -> None:
    val = train(dataset, "--crop", 20, "--views", 2, "--loss", "focal", "--sampler", "balanced")["val"]
    metadata = read_metadata(Path("net.keras"))
    assert (metadata["input_shape"], metadata["crop"]) == ([20, 20, 1], [24, 24])
    scores = json.loads(run_fer("eval", "net.keras", dataset, "--json").stdout)["results"]
    assert scores["accuracy"] == pytest.approx(val["accuracy"])
    assert scores["nll"] == pytest.approx(val["loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (("--targets", "votes"), 3, "planted.h5: --targets votes: expected /votes in the file. Received: labels only"),
        (("--crop", 30), 2, "--crop 30: expected at most the side of the images. Received: images of 24×24"),
        (("--views", 3), 2, "--views 3: expected a divisor of --batch-size, which counts images. Received: 128"),
        (("--teacher", "none.keras"), 3, "none.keras: No such file or directory"),
        (("--teacher", "abc.keras"), 3, "abc.keras: the classes do not match"),
    ],
)
def test_what_cannot_be_learnt_is_refused(
    options: tuple[object, ...], status: int, message: str, dataset: Path, tmp_path: Path
) -> None:
    if "abc.keras" in options:
        helpers.write_model(tmp_path / "abc.keras", class_names=tuple("abcdefg"))
    result = run_fer("train", dataset, "--arch", "tiny", *options, "-o", "net.keras", "-q")
    assert result.exit_code == status
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert not Path("net.keras").exists()
