"""The examples of docs/adding.md do what the page says."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from tests.datasets.layouts import write_csv, write_image
from tests.helpers import run_fer, write_dataset, write_model

TEXT = (Path(__file__).parents[1] / "docs" / "adding.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"^## (.+?)$[^#]*?^```python\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL))


def enter(monkeypatch: pytest.MonkeyPatch, title: str, table: str, name: str, attribute: str) -> None:
    """Put what a block of the page defines into a table of the catalog, before all else."""
    module = ModuleType(f"documented_{name}")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(compile(BLOCKS[title], title, "exec", dont_inherit=True), vars(module))
    entry = {name: f"{module.__name__}:{attribute}"}
    monkeypatch.setattr(catalog, table, entry | getattr(catalog, table))


@pytest.fixture
def importer(monkeypatch: pytest.MonkeyPatch) -> None:
    enter(monkeypatch, "A data set", "IMPORTERS", "labelled", "Labelled")


def write_source(folder: Path, *expressions: str) -> None:
    rows = [(f"{row}.png", f"P{row}", expression) for row, expression in enumerate(expressions)]
    for row, (name, _, _) in enumerate(rows):
        write_image(folder / name, np.full((24, 24, 1), 40 * row, np.uint8))
    write_csv(folder / "labels.csv", rows, ("file", "person", "expression"))


@pytest.mark.usefixtures("importer")
def test_the_importer_reads_names_persons_and_pictures(tmp_path: Path) -> None:
    write_source(tmp_path / "faces", "Happiness", "anger", "neutral")
    result = run_fer("prepare", "faces", "-o", "faces.h5")
    assert result.exit_code == 0, result.stderr
    with open_dataset(tmp_path / "faces.h5") as dataset:
        assert [dataset.class_names[label] for label in dataset.labels("train")] == ["happy", "angry", "neutral"]
        assert list(dataset.subjects("train")) == ["P0", "P1", "P2"]
        assert dataset.class_names == EMOTIONS


@pytest.mark.usefixtures("importer")
def test_the_importer_names_the_row_of_a_label_that_it_does_not_know(tmp_path: Path) -> None:
    write_source(tmp_path / "faces", "happy", "hungry")
    result = run_fer("prepare", "faces", "-o", "faces.h5")
    assert result.exit_code == 3
    assert "faces/labels.csv:3: expected one of angry, disgust" in result.stderr
    assert "Received: hungry" in result.stderr
    assert run_fer("prepare", "faces", "--skip-bad", "-o", "faces.h5").exit_code == 0


def test_the_architecture_can_be_trained(monkeypatch: pytest.MonkeyPatch, dataset: Path) -> None:
    enter(monkeypatch, "An architecture", "ARCHITECTURES", "two-conv", "two_conv")
    result = run_fer("train", dataset, "--arch", "two-conv", "--dense", 8, "--epochs", 1, "-o", "two.keras")
    assert result.exit_code == 0, result.stderr
    assert run_fer("eval", "two.keras", dataset, "-o", "scores", "-q").exit_code == 0


def test_the_attack_keeps_to_epsilon_and_changes_answers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    enter(monkeypatch, "An attack", "ATTACKS", "coin", "Coin")
    from fer_cli.attacks.base import Aim, Victim

    data, model = write_dataset(tmp_path / "faces.h5"), write_model(tmp_path / "planted.keras")
    import keras

    with open_dataset(data) as dataset:
        images, labels = (
            dataset.images("val").take(range(7)).astype(np.float32),
            dataset.labels("val")[:7].astype(np.intp),
        )
    attack = catalog.find(catalog.ATTACKS, "coin", "attack")(Victim(keras.saving.load_model(model)))
    (found,) = attack.sweep(images, Aim(labels), [4.0])
    change = np.abs(found - images)
    assert change.max() <= 4.0
    assert (change > 0).mean() > 0.9
