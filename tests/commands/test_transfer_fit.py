"""`fer transfer fit` as a user runs it: what it writes, what it refuses, and what a kill leaves behind."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_cli import files, models
from fer_cli.transform.illuminate import step
from fer_cli.translation import fit, identity
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


def test_a_judging_that_was_interrupted_is_made_up_for(
    dataset: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_cli.analysis.translation import judge

    def stop(*arguments: object, **options: object) -> None:
        raise KeyboardInterrupt

    options = ("transfer", "fit", dataset, *QUICK, "--epochs", "1", "--judge", model, "-o", "g.keras", "--json")
    with monkeypatch.context() as patch:
        patch.setattr(judge, "judge", stop)
        assert run_fer(*options).exit_code == 130
    assert not Path("g.training/result.json").exists()
    resumed = run_fer(*options, "--resume")
    assert resumed.exit_code == 0, resumed.stderr
    assert json.loads(resumed.stdout)["results"]["judged"]["n"] == 28
    assert not Path("g.training/checkpoint.npz").exists()


def test_a_judge_who_comes_after_the_end_is_told_where_to_go(dataset: Path, model: Path) -> None:
    options = ("transfer", "fit", dataset, *QUICK, "--epochs", "1", "-o", "g.keras")
    assert run_fer(*options, "-q").exit_code == 0
    resumed = run_fer(*options, "--judge", model, "--resume")
    assert resumed.exit_code == 0
    said = " ".join(resumed.stderr.split())
    assert f"g.keras is complete; nothing to resume; fer transfer apply g.keras {dataset} --all --judge {model}" in said


def test_a_complete_run_is_no_other(dataset: Path) -> None:
    options = ("transfer", "fit", dataset, *QUICK, "--epochs", "1", "-o", "g.keras", "-q")
    assert run_fer(*options).exit_code == 0
    other = run_fer(*options, "--cycle", "3", "--resume")
    assert other.exit_code == 2
    assert f"--resume: g.keras has cycle={Settings().cycle}, not 3.0; repeat its options" in other.stderr
    assert run_fer(*options, "--cycle", "3", "--resume", "--overwrite").exit_code == 0
    assert load_generator(Path("g.keras")).metadata["training"]["cycle"] == 3
    unnamed = run_fer("transfer", "fit", dataset, *QUICK, "-o", "g")
    assert unnamed.exit_code == 2
    assert "expected a file that ends in .keras. Received: g" in unnamed.stderr


def test_a_game_that_diverges_ends_with_its_last_sound_epoch(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play = fit.Game.step

    def spoilt(game: fit.Game, *arguments: object) -> dict[str, float]:
        found = play(game, *arguments)  # type: ignore[arg-type]
        return found if int(game.optimizer.iterations) <= 4 else found | {"loss": float("nan")}

    monkeypatch.setattr(fit.Game, "step", spoilt)
    result = run_fer("transfer", "fit", dataset, *QUICK, "-o", "g.keras", "-q")
    assert result.exit_code == 1
    assert result.stderr == (
        "fer: the training diverged in epoch 2: a loss is no number any more; lower --lr (it was 0.002); "
        "g.training holds what was before\n"
    )
    assert not Path("g.keras").exists()
    assert Path("g.training/last.keras").exists()


def test_a_judge_of_no_use_is_refused_before_the_training(dataset: Path, tmp_path: Path) -> None:
    letters = helpers.write_model(tmp_path / "letters.keras", class_names=tuple("abcdefg"))
    for judge, message in (
        (Path("none.keras"), "none.keras: no such model file"),
        (letters, "the classes do not match"),
    ):
        result = run_fer("transfer", "fit", dataset, *QUICK, "--judge", judge, "-o", "g.keras")
        assert result.exit_code == 3
        assert message in result.stderr
    assert not Path("g.keras").exists()
    assert not Path("g.training").exists()


def test_a_guide_is_learnt_once_and_kept_by_a_resumed_run(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = identity.Settings(architecture="pattern:CPF", share=0.5, epochs=1, batch_size=14)
    monkeypatch.setattr(identity, "for_guide", lambda seed: small)
    options = ("transfer", "fit", dataset, *QUICK, "--identity-guide", "learn", "-o", "g.keras")
    look = fit._Run._look

    def look_once(run: fit._Run, generator: object) -> dict[str, float]:
        if run._state.epochs_done:
            raise KeyboardInterrupt
        return look(run, generator)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(fit._Run, "_look", look_once)
        stopped = run_fer(*options)
    assert stopped.exit_code == 130
    assert "learning to tell 5 persons of the train rows apart" in stopped.stderr
    guide = Path("g.training/identity_guide.keras")
    learnt = guide.read_bytes()
    other = run_fer(*options, "--likeness", "1", "--resume")
    assert other.exit_code == 2
    assert f"has likeness={Settings().likeness}, not 1.0" in other.stderr

    resumed = run_fer(*options, "--resume", "--json")
    assert resumed.exit_code == 0, resumed.stderr
    assert "learning to tell" not in resumed.stderr
    assert guide.read_bytes() == learnt
    record = json.loads(resumed.stdout)
    assert record["parameters"]["identity_guide"] == "learn"
    assert "identity_guide.keras" in record["results"]["files"]
    metadata = load_generator(Path("g.keras")).metadata
    assert metadata["identity_guide"] == {"path": str(guide), "sha256": files.sha256(guide)}
    assert len(read_history(Path("g.training"))["person"]) == 3


def test_a_guide_from_a_file_is_recorded_and_cannot_judge(dataset: Path, model: Path, tmp_path: Path) -> None:
    persons = helpers.write_model(tmp_path / "persons.keras", wrong=(1,))
    fitted = run_fer(
        "transfer", "fit", dataset, *QUICK, "--epochs", "1", "--identity-guide", persons, "-o", "g.keras", "--json"
    )
    assert fitted.exit_code == 0, fitted.stderr
    record = json.loads(fitted.stdout)
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.h5", "persons.keras"]
    judged = ("transfer", "apply", "g.keras", dataset, "--to", "sad", "--limit", "1", "--judge", model, "--json")
    for judge, wanted in ((persons, 1), (helpers.write_model(tmp_path / "other.keras"), 0)):
        result = run_fer(*judged, "--identity", judge, "-o", judge.stem)
        assert result.exit_code == 0, result.stderr
        warnings = json.loads(result.stdout)["results"]["warnings"]
        assert sum("is no independent judge of identity" in warning for warning in warnings) == wanted


def write_persons(path: Path, side: int = helpers.SIDE, layer: str = "embedding") -> Path:
    inputs = keras.Input((side, side, 1))
    network = keras.Model(inputs, keras.layers.Flatten(name=layer)(inputs))
    models.save_model(network, path, {"class_names": ["a"], "input_shape": [side, side, 1]})
    return path


def test_an_identity_guide_that_sees_other_faces_is_refused(dataset: Path, tmp_path: Path) -> None:
    lit = helpers.write_model(tmp_path / "lit.keras", transforms=[step("clahe")])
    refused = {
        write_persons(tmp_path / "small.keras", side=12): "images of 24×24×1, as the faces are. Received: 12×12×1",
        write_persons(tmp_path / "flat.keras", layer="flat"): "no layer 'embedding'; it has",
        lit: "was trained on faces corrected by clahe",
        tmp_path / "none.keras": "none.keras",
    }
    for guide, message in refused.items():
        result = run_fer("transfer", "fit", dataset, *QUICK, "--identity-guide", guide, "-o", "g.keras")
        assert result.exit_code == 3
        assert message in result.stderr
    nameless = helpers.write_dataset(tmp_path / "nameless.h5", replace(helpers.planted_records(), subject=None))
    result = run_fer("transfer", "fit", nameless, *QUICK, "--identity-guide", "learn", "-o", "g.keras")
    assert result.exit_code == 3
    assert "to learn identity from. Received: no names of persons" in result.stderr


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
