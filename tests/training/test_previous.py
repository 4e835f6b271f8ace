"""What a new run makes of what an earlier one has left in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import pytest

from fer_cli import files, models
from fer_cli.errors import OutputExistsError, UsageError
from fer_cli.store.reader import open_dataset
from fer_cli.training import checkpoint, previous
from fer_cli.training.checkpoint import RunState
from fer_cli.training.settings import Settings
from tests.helpers import planted_records, write_dataset

SETTINGS = Settings(epochs=3)
OTHER = replace(SETTINGS, epochs=5)
OUTPUT, FOLDER = Path("net.keras"), Path("net.training")


@pytest.fixture(autouse=True)
def faces() -> Path:
    return write_dataset(Path("faces.h5"), planted_records((7, 0, 0)))


def finish(settings: Settings, faces: Path, path: Path = OUTPUT) -> None:
    """Write a model that says that it was trained so."""
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    metadata = {"class_names": ["a", "b"], "input_shape": [4], "training": settings.as_dict()}
    models.save_model(network, path, metadata | {"dataset": {"sha256": files.sha256(faces)}})


def stop(settings: Settings, faces: Path, name: str = checkpoint.NAME) -> Path:
    """Write the checkpoint of a run that was stopped."""
    (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
    checkpoint.save_variables(FOLDER / name, {}, RunState.fresh(settings.as_dict(), faces))
    return FOLDER / name


def complete(faces: Path, settings: Settings = SETTINGS, resume: bool = True, overwrite: bool = False) -> bool:
    return previous.is_complete(OUTPUT, FOLDER, settings.as_dict(), faces, resume, overwrite)


def test_nothing_there_is_a_start(faces: Path) -> None:
    for resume in (False, True):
        for overwrite in (False, True):
            assert not complete(faces, resume=resume, overwrite=overwrite)


def test_the_same_run_is_done(faces: Path) -> None:
    finish(SETTINGS, faces)
    assert complete(faces)
    assert complete(faces, overwrite=True)
    with pytest.raises(OutputExistsError, match=r"net\.keras exists"):
        complete(faces, resume=False)
    assert not complete(faces, resume=False, overwrite=True)
    assert OUTPUT.exists()  # until the new one takes its place


def test_another_run_is_named_and_makes_way_only_when_told(faces: Path, tmp_path: Path) -> None:
    finish(OTHER, faces)
    with pytest.raises(UsageError, match=r"--resume: net\.keras has epochs=5, not 3; .* start again with --overwrite"):
        complete(faces)
    assert not complete(faces, overwrite=True)
    finish(SETTINGS, write_dataset(tmp_path / "others.h5", planted_records((14, 0, 0))))
    with pytest.raises(UsageError, match=r"--resume: net\.keras was made with another dataset file"):
        complete(faces)


def test_what_no_run_has_made_is_no_run(faces: Path) -> None:
    OUTPUT.write_text("precious")
    with pytest.raises(UsageError, match=r"--resume: net\.keras was not trained by fer"):
        complete(faces)
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    models.save_model(network, OUTPUT, {"class_names": ["a", "b"], "input_shape": [4]})
    with pytest.raises(UsageError, match=r"--resume: net\.keras was not trained by fer"):
        complete(faces)
    assert not complete(faces, overwrite=True)


def test_a_checkpoint_of_the_run_is_gone_on_from(faces: Path) -> None:
    saved = stop(SETTINGS, faces)
    for overwrite in (False, True):
        assert not complete(faces, overwrite=overwrite)
        assert saved.exists()
    finish(OTHER, faces)  # which the run that was stopped was to replace
    assert not complete(faces)
    assert not complete(faces, resume=False, overwrite=True)
    assert not saved.exists()


@pytest.mark.parametrize("damaged", [False, True])
def test_a_checkpoint_of_another_run_goes_when_told(faces: Path, damaged: bool) -> None:
    saved = stop(OTHER, faces)
    if damaged:
        saved.write_bytes(b"PK\x03\x04 broken")
    finish(SETTINGS, faces)
    assert not complete(faces)  # `start_or_resume` says what is wrong
    assert saved.exists()
    assert complete(faces, overwrite=True)
    assert not saved.exists()


def test_a_teacher_of_its_own_is_part_of_the_run(faces: Path) -> None:
    distilled = replace(SETTINGS, distill=True)
    finish(replace(distilled, teachers=("elsewhere/teacher.keras",)), faces)
    assert complete(faces, distilled)
    for settings, kept in ((distilled, True), (replace(distilled, epochs=5), False)):
        saved = stop(settings, faces, previous.OF_TEACHER)
        assert not complete(faces, distilled)
        assert complete(faces, distilled, overwrite=True) is not kept
        assert saved.exists() is kept


def test_a_teacher_that_another_run_has_left_is_none_of_this_one(faces: Path) -> None:
    stop(replace(SETTINGS, distill=True), faces, previous.OF_TEACHER)
    finish(SETTINGS, faces)
    assert complete(faces)


def test_a_model_knows_its_run(faces: Path) -> None:
    with open_dataset(faces) as dataset:
        assert not previous.is_of_run(OUTPUT, SETTINGS, dataset)
        finish(SETTINGS, faces)
        assert previous.is_of_run(OUTPUT, SETTINGS, dataset)
        assert not previous.is_of_run(OUTPUT, OTHER, dataset)
