"""`fer prepare` on a laboratory set: splits by person, folds, near images, light."""

import contextlib
import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_cli.datasets.splits import known_leaks
from fer_cli.labels import EMOTIONS
from fer_cli.records import Records
from fer_cli.store.reader import Dataset, open_dataset
from fer_cli.store.writer import create_dataset
from tests.helpers import planted_records, run_fer, write_dataset

Prepare = Callable[..., Dataset]
#: Persons of `lab`.
PERSONS = 12


def lab_records() -> Records:
    """84 smooth pictures, seven of each person, all of them train; no two alike."""
    coarse = np.random.default_rng(0).uniform(40, 215, (7 * PERSONS, 6, 6)).astype(np.float32)
    images = np.stack([cv2.resize(c, (24, 24), interpolation=cv2.INTER_CUBIC) for c in coarse])
    return replace(
        planted_records((7 * PERSONS, 0, 0)),
        images=images.clip(0, 255).astype(np.uint8)[..., None],
        subject=[f"S{i // 7:03}" for i in range(7 * PERSONS)],
    )


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    return write_dataset(tmp_path / "lab.h5", lab_records())


@pytest.fixture
def prepare() -> Iterator[Prepare]:
    """Runs `fer prepare` with these arguments and opens what it wrote."""
    with contextlib.ExitStack() as stack:

        def run(*arguments: object, output: str = "out.h5") -> Dataset:
            result = run_fer("prepare", *arguments, "-o", output)
            assert result.exit_code == 0, result.stderr
            return stack.enter_context(open_dataset(Path(output)))

        yield run


def persons(dataset: Dataset, split: str) -> set[str]:
    return set(dataset.subjects(split) or ())


def test_folds_by_person_cover_everybody_once(lab: Path, prepare: Prepare) -> None:
    tested: list[str] = []
    for k in range(1, 5):
        dataset = prepare(lab, "--split", f"subject:{k}/4", output=f"fold{k}.h5")
        train, val, test = (persons(dataset, split) for split in ("train", "val", "test"))
        assert (len(train), len(val), len(test)) == (6, 3, 3)
        assert not train & val | val & test | train & test
        assert dataset.provenance["results"]["split"] == {"method": "subject", "fold": k, "folds": 4, "leaks": []}
        tested += sorted(test)
    assert len(set(tested)) == len(tested) == PERSONS


def test_two_folds_have_no_val(lab: Path, prepare: Prepare) -> None:
    dataset = prepare(lab, "--split", "subject:1/2")
    assert dataset.table().sum(0).tolist() == [42, 0, 42]
    dataset = prepare(lab, "--split", "subject:1/2", "--val-fraction", "0.2", output="val.h5")
    assert dataset.count("val") > 0
    assert not persons(dataset, "train") & persons(dataset, "val")


def test_a_random_split_says_that_it_leaks_and_later_files_remember(lab: Path, prepare: Prepare) -> None:
    result = run_fer("prepare", lab, "--split", "random", "-o", "random.h5", "-q")
    assert "scores on these splits may be too good: random split: " in result.stderr
    small = prepare("random.h5", "--size", "16")
    assert small.table().sum(0).tolist()[1:] == pytest.approx([8, 8], abs=3)
    (leak,) = known_leaks(small.provenance)
    assert "persons are in more than one split" in leak
    assert known_leaks(prepare("random.h5", "--split", "subject:1/3", output="mended.h5").provenance) == []


def test_folds_are_the_same_in_file_list_and_split(lab: Path, prepare: Prepare) -> None:
    numbered = prepare(lab, "--folds", "4", output="folds.h5")
    fold, names = numbered.attribute("fold", None), numbered.attribute_values("fold")
    assert names == ("1", "2", "3", "4")
    document = json.loads(Path("folds.folds.json").read_text())
    assert document["folds"] == 4
    subjects = numbered.subjects(None)
    assert subjects is not None
    for k in range(1, 5):
        rows = np.flatnonzero(fold == k - 1)
        assert document["rows"][str(k)] == rows.tolist()
        again = prepare("folds.h5", "--split", f"subject:{k}/4", output=f"{k}.h5")
        assert persons(again, "test") == {subjects[row] for row in rows}
        assert set(again.attribute("fold", "test")) == {k - 1}


def test_folds_without_persons_are_by_image(prepare: Prepare) -> None:
    write_dataset(Path("anonymous.h5"), replace(lab_records(), subject=None))
    result = run_fer("prepare", "anonymous.h5", "--split", "subject:1/3", "-o", "a.h5")
    assert result.exit_code == 3
    assert "the source does not say who is in its images" in result.stderr
    dataset = prepare("anonymous.h5", "--folds", "3")
    assert sorted(np.bincount(dataset.attribute("fold", None))) == [28, 28, 28]
    assert "the folds are by image: nothing keeps a person in one fold" in dataset.provenance["results"]["notes"]


def test_more_folds_than_persons_is_one_clear_line(lab: Path) -> None:
    result = run_fer("prepare", lab, "--split", "subject:1/13", "-o", "out/a.h5")
    assert result.exit_code == 3
    assert "13 folds: expected at least as many persons or distinct images. Received: 12" in result.stderr
    assert not Path("out").exists()


@pytest.fixture
def retouched(tmp_path: Path) -> Path:
    """`lab_records` in train, and five of them again in test, slightly brighter."""
    records = lab_records()
    copies = replace(
        records.take(np.arange(5)),
        images=records.images[:5] + np.uint8(3),
        split=np.full(5, 2, np.uint8),
        source=[f"copy:{i}" for i in range(5)],
    )
    path = tmp_path / "retouched.h5"
    with create_dataset(path, EMOTIONS) as writer:
        writer.append(records)
        writer.append(copies)
        writer.finish({})
    return path


def test_near_images_are_counted_shown_and_dropped(retouched: Path, prepare: Prepare) -> None:
    dataset = prepare(retouched)
    found = dataset.provenance["results"]["near_duplicates"]
    assert (found["pairs"], found["shared"]["test"]["train"]) == (5, 5)
    assert dataset.provenance["results"]["duplicates"]["images"] == 0
    assert {tuple(sorted(example["rows"])) for example in found["examples"]} == {(i, 84 + i) for i in range(5)}
    assert cv2.imread("out.near.png") is not None
    assert prepare(retouched, "--drop-duplicates", output="exact.h5").table().sum(0).tolist() == [84, 0, 5]
    near = prepare(retouched, "--drop-duplicates", "near", output="near.h5")
    assert near.table().sum(0).tolist() == [79, 0, 5]
    assert not Path("near.near.png").exists()
    kept = prepare(retouched, "--drop-duplicates", "near", "--keep", "train", output="keep.h5")
    assert kept.table().sum(0).tolist() == [84, 0, 0]


def test_a_new_split_drops_duplicates_wherever_they_were(retouched: Path, prepare: Prepare) -> None:
    dataset = prepare(retouched, "--drop-duplicates", "near", "--split", "subject:1/3")
    assert len(dataset) == 84


def test_light_is_corrected_after_resizing_and_recorded(lab: Path, prepare: Prepare) -> None:
    from fer_cli.transform.illuminate import illuminate

    corrected = prepare(lab, "--illumination", "clahe", "--size", "20")
    plain = prepare(lab, "--size", "20", output="plain.h5")
    images = [dataset.images(None).take(range(84)) for dataset in (corrected, plain)]
    assert np.array_equal(images[0], illuminate(images[1], "clahe"))
    assert corrected.transforms == [
        {"name": "adapt", "shape": [20, 20, 1]},
        {"name": "illumination", "method": "clahe"},
    ]
    result = run_fer("prepare", "out.h5", "--illumination", "gamma", "-o", "twice.h5")
    assert result.exit_code == 3
    assert "out.h5: its light was corrected before (clahe); start from the original" in result.stderr
    result = run_fer("prepare", "out.h5", "plain.h5", "-o", "mixed.h5")
    assert result.exit_code == 3
    assert "need the same correction of light. out.h5: clahe. plain.h5: none" in result.stderr


#: `fer` that halts once the first rows are written.
HALTING = """
import signal, time
from fer_cli.datasets import audit
from fer_cli.main import cli
signal.signal(signal.SIGINT, signal.default_int_handler)
audit.digests = lambda images: time.sleep(60)
cli()
"""


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing(lab: Path, kill: signal.Signals) -> None:
    command = [sys.executable, "-c", HALTING, "prepare", str(lab), "-o", "out/a.h5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 30
        while not list(Path("out").glob(".a*.h5")) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert list(Path("out").iterdir())
        process.send_signal(kill)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "fer: interrupted" in told
    assert not Path("out").exists()
