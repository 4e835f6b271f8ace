"""`fer transfer fit` as a user runs it: what it writes, what it refuses, and what a kill leaves behind."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from fer_cli.transform.illuminate import step
from fer_cli.translation import fit
from fer_cli.translation.model import load_generator
from fer_cli.translation.settings import Settings
from tests import helpers
from tests.helpers import run_fer

#: Twelve steps.
QUICK = (
    *("--epochs", "3", "--steps", "4", "--batch-size", "14", "--width", "8", "--blocks", "1"),
    *("--lr", "0.002", "--ema", "0.5", "--augment", "none"),
)


def read_history(folder: Path) -> dict[str, list[float]]:
    with (folder / "history.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def test_it_writes_what_the_help_says(dataset: Path, model: Path, tmp_path: Path) -> None:
    judge = helpers.write_model(tmp_path / "judge.keras", wrong=(2,))
    options = (*QUICK, "--classifier", model, "--judge", judge, "-o", "out/g.keras", "--json")
    result = run_fer("transfer", "fit", dataset, *options)
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record == json.loads(Path("out/g.training/result.json").read_text())
    assert sorted(p.name for p in Path("out").rglob("*.*")) == sorted(
        [
            "g.keras",
            "g.training",
            "history.csv",
            "fit_curves.png",
            "result.json",
            *(f"translated-00{n}.png" for n in (1, 2, 3)),
        ]
    )
    judged = record["results"]["judged"]
    assert (judged["n"], judged["translations"]) == (28, 28 * 6)
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.h5", "planted.keras", "judge.keras"]
    assert "hit rate" in result.stderr
    history = read_history(Path("out/g.training"))
    assert history["epoch"] == [1, 2, 3]
    assert history["cycle"][-1] < 0.5
    generator = load_generator(Path("out/g.keras"))
    assert generator.metadata["training"]["width"] == 8
    assert generator.metadata["scores"]["val_hit"] == history["val_hit"][-1]


def test_a_stopped_run_resumes_to_the_same_history(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = ("transfer", "fit", dataset, *QUICK, "--seed", "7", "-q")
    assert run_fer(*options, "-o", "whole.keras").exit_code == 0

    save, saved = fit.checkpoint.save_variables, []

    def save_and_stop(*arguments: object) -> None:
        save(*arguments)
        saved.append(arguments)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fit.checkpoint, "save_variables", save_and_stop)
        stopped = run_fer(*options, "-o", "part.keras")
    assert stopped.exit_code == 130
    assert "1 of 3 epochs are saved in part.training; the same command with --resume goes on" in stopped.stderr
    assert not Path("part.keras").exists()
    assert load_generator(Path("part.training/last.keras")).class_names

    refused = run_fer(*options, "-o", "part.keras")
    assert refused.exit_code == 4
    assert "part.training holds an unfinished run" in refused.stderr
    other = run_fer(*options, "-o", "part.keras", "--cycle", "3", "--resume")
    assert other.exit_code == 2
    assert f"has cycle={Settings().cycle}, not 3.0" in other.stderr

    resumed = run_fer(*options, "-o", "part.keras", "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    expected, got = read_history(Path("whole.training")), read_history(Path("part.training"))
    for name in set(expected) - {"seconds", "images_per_second"}:
        np.testing.assert_allclose(got[name], expected[name], rtol=1e-3, atol=1e-4, err_msg=name)
    assert not Path("part.training/checkpoint.npz").exists()
    again = run_fer(*options[:-1], "-o", "part.keras", "--resume")
    assert again.exit_code == 0
    assert "part.keras is complete; nothing to resume" in again.stderr
    assert run_fer(*options, "-o", "part.keras").exit_code == 4


def test_what_cannot_be_done_is_told(dataset: Path, model: Path, tmp_path: Path) -> None:
    same = run_fer("transfer", "fit", dataset, "--classifier", model, "--judge", model)
    assert same.exit_code == 2
    assert "expected another model than --classifier. Received: the same file" in same.stderr
    policy = run_fer("transfer", "fit", dataset, "--augment", "explode")
    assert policy.exit_code == 2
    assert "unknown augmentation 'explode'" in policy.stderr
    missing = run_fer("transfer", "fit", tmp_path / "none.h5")
    assert missing.exit_code == 3
    assert "none.h5: no such dataset file" in missing.stderr


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"class_names": tuple("abcdefg")}, "the classes do not match"),
        (
            {"class_names": ("neutral", "angry", "disgust", "fear", "happy", "sad", "surprise")},
            "expected the classes in the order angry",
        ),
        ({"transforms": [step("clahe")]}, "was trained on faces corrected by clahe"),
    ],
)
def test_a_classifier_that_sees_other_faces_is_refused(
    dataset: Path, tmp_path: Path, changed: dict[str, object], message: str
) -> None:
    other = helpers.write_model(tmp_path / "other.keras", **changed)  # type: ignore[arg-type]
    result = run_fer("transfer", "fit", dataset, "--classifier", other)
    assert result.exit_code == 3
    assert message in result.stderr
