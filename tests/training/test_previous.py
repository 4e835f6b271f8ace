"""What a new run makes of what an earlier one has left in its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import keras
import pytest

from fer_cli import models
from fer_cli.errors import InputError, OutputExistsError, UsageError
from fer_cli.store.reader import open_dataset
from fer_cli.training import checkpoint, previous
from fer_cli.training.checkpoint import Earlier, RunState
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
    run = RunState.fresh(settings, faces)
    made = {"training": run.settings, "dataset": {"sha256": run.dataset}, "files": run.files}
    models.save_model(network, path, {"class_names": ["a", "b"], "input_shape": [4], **made})


def stop(settings: Settings, faces: Path, name: str = checkpoint.NAME, epochs: int = 1) -> Path:
    """Write the checkpoint of a run that was stopped."""
    (FOLDER / name).parent.mkdir(parents=True, exist_ok=True)
    state = RunState.fresh(settings, faces)
    for epoch in range(epochs):
        state.add({"epoch": epoch + 1})
    checkpoint.save_variables(FOLDER / name, {}, state)
    return FOLDER / name


def complete(faces: Path, settings: Settings = SETTINGS, resume: bool = True, overwrite: bool = False) -> bool:
    return previous.is_complete(OUTPUT, FOLDER, settings, faces, Earlier(resume, overwrite))


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


@pytest.mark.parametrize("damaged", [False, True])
def test_a_checkpoint_of_another_run_does_not_count_when_it_may_go(faces: Path, damaged: bool) -> None:
    saved = stop(OTHER, faces)
    if damaged:
        saved.write_bytes(b"PK\x03\x04 broken")
    finish(SETTINGS, faces)
    assert not complete(faces)  # `start_or_resume` says what is wrong
    assert complete(faces, overwrite=True)
    assert saved.exists()  # nothing goes before a run begins


def started(faces: Path, *, resume: bool = False, overwrite: bool = False, networks: tuple[Path, ...] = ()) -> int:
    """Epochs of the run that is gone on with; 0 where a fresh one begins."""
    fresh = RunState.fresh(SETTINGS, faces)
    return checkpoint.start_or_resume(FOLDER, fresh, Earlier(resume, overwrite), networks or (faces,)).epochs_done


def test_an_unfinished_run_is_gone_on_with_replaced_or_refused(faces: Path) -> None:
    assert started(faces) == started(faces, resume=True) == 0
    stop(SETTINGS, faces, epochs=2)
    with pytest.raises(OutputExistsError, match="--resume continues it, --overwrite starts again"):
        started(faces)
    assert started(faces, resume=True) == started(faces, resume=True, overwrite=True) == 2
    assert started(faces, overwrite=True) == 0
    assert started(faces, resume=True, networks=(Path("gone.keras"),)) == 0
    stop(OTHER, faces, epochs=2)
    with pytest.raises(UsageError, match=r"the run in net\.training has epochs=5, not 3"):
        started(faces, resume=True)
    assert started(faces, resume=True, overwrite=True) == 0
    stop(OTHER, faces).write_bytes(b"PK\x03\x04 broken")
    with pytest.raises(InputError, match="not a checkpoint of `fer train`"):
        started(faces, resume=True)
    assert started(faces, resume=True, overwrite=True) == 0


def test_files_that_a_run_reads_are_part_of_it(faces: Path) -> None:
    for name, settings in (
        ("init.keras", replace(SETTINGS, init="init.keras")),
        ("b.keras", replace(SETTINGS, teachers=("a.keras", "b.keras"))),
    ):
        for path in ("init.keras", "a.keras", "b.keras"):
            Path(path).write_text("weights")
        stop(settings, faces)
        finish(settings, faces)
        assert checkpoint.is_of(FOLDER / checkpoint.NAME, RunState.fresh(settings, faces))
        (FOLDER / checkpoint.NAME).unlink()
        assert complete(faces, settings)
        Path(name).write_text("others")
        with pytest.raises(UsageError, match=rf"--resume: net\.keras was made with another {name}"):
            complete(faces, settings)


def test_a_teacher_of_its_own_is_part_of_the_run(faces: Path) -> None:
    distilled = replace(SETTINGS, distill=True)
    finish(replace(distilled, teachers=("elsewhere/teacher.keras",)), faces)
    assert complete(faces, distilled)
    for settings, own in ((distilled, True), (replace(distilled, epochs=5), False)):
        stop(settings, faces, previous.OF_TEACHER)
        assert not complete(faces, distilled)
        assert complete(faces, distilled, overwrite=True) is not own


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
