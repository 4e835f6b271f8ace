"""`fer augment`: what it writes, shows and refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread

from fer_cli.store.reader import open_dataset
from fer_cli.transform.policy import parse_policy
from tests.helpers import planted_records, run_fer, write_dataset


@pytest.fixture
def uneven(tmp_path: Path) -> Path:
    """A planted dataset that has 3 of its 10 train rows of disgust left, 63 train rows in all."""
    records = planted_records()
    keep = np.ones(len(records), np.bool_)
    keep[np.flatnonzero((records.labels == 1) & (records.split == 0))[3:]] = False
    return write_dataset(tmp_path / "uneven.h5", records.take(keep))


def test_a_factor_multiplies_the_train_rows(uneven: Path) -> None:
    result = run_fer("augment", uneven, "-o", "out.h5", "--factor", "3")
    assert result.exit_code == 0, result.stderr
    lines = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert ["disgust", "3", "→", "9", "4", "4", "11", "→", "17"] in lines
    assert ["all", "63", "→", "189", "28", "28", "119", "→", "245"] in lines
    assert "copies: 126 augmented, 0 plain" in result.stderr
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.table().sum(0).tolist() == [189, 28, 28]


def test_one_class_is_balanced_and_the_record_is_in_the_file(uneven: Path) -> None:
    arguments = ("augment", uneven, "-o", "out.h5", "--balance", "augment", "--classes", "Disgusted", "--json")
    result = run_fer(*arguments, "--policy", "rotate:5")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record["results"]["table"]["disgust"] == {"train": 10, "val": 4, "test": 4}
    assert record["results"]["copies"] == {"plain": 0, "augmented": 7}
    assert record["inputs"][0]["path"] == str(uneven)
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.provenance == record
        (step,) = dataset.transforms
        assert (step["name"], step["policy"], step["balance"]) == ("augment", "rotate:5", "augment")
        assert dataset.table()[:, 0].tolist() == [10] * 7


def test_plain_copies_name_no_policy(uneven: Path) -> None:
    assert run_fer("augment", uneven, "-o", "out.h5", "--balance", "oversample", "-q").exit_code == 0
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.transforms[0]["policy"] is None


def test_copying_before_the_split_is_a_warning_even_when_quiet(uneven: Path) -> None:
    result = run_fer("augment", uneven, "-o", "out.h5", "--factor", "4", "--before-split", "-q")
    assert result.exit_code == 0
    assert result.stdout == ""
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.table().sum(0).tolist() == [252, 112, 112]
        leaked = dataset.provenance["results"]["copies_across_splits"]["val"]["also_in_train"]
        assert leaked > 50
    assert f"warning: copies were made before the split: {leaked} of 112 val rows are copies" in result.stderr


def test_scores_on_leaky_copies_carry_the_warning(uneven: Path, model: Path) -> None:
    assert run_fer("augment", uneven, "-o", "out.h5", "--factor", "4", "--before-split", "-q").exit_code == 0
    result = run_fer("eval", model, "out.h5", "-o", "scores", "-q")
    assert result.exit_code == 0, result.stderr
    assert "warning: these scores may be too good: copies were made before the split" in result.stderr


def test_a_preview_needs_no_output_and_has_a_row_for_each_operation(uneven: Path) -> None:
    heights = {}
    for policy in ("flip", "flip rotate zoom"):
        result = run_fer("augment", uneven, "--preview", f"{policy}.png", "--policy", policy)
        assert result.exit_code == 0, result.stderr
        assert str(parse_policy(policy)) in result.stderr
        heights[policy] = imread(f"{policy}.png").shape[0]
    # Each operation and the whole policy: two rows against four, below a margin of 12 pixels.
    assert heights["flip rotate zoom"] - 12 == pytest.approx(2 * (heights["flip"] - 12), abs=3)
    assert sorted(path.name for path in Path().iterdir()) == ["flip rotate zoom.png", "flip.png", "uneven.h5"]


def test_a_preview_says_what_it_shows_as_json(uneven: Path) -> None:
    result = run_fer("augment", uneven, "--preview", "sheet.png", "--policy", "light", "--json")
    assert json.loads(result.stdout)["results"] == {"preview": "sheet.png"}


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ((), 2, "nothing to make: name a dataset with -o, a picture with --preview, or both"),
        (("-o", "out.h5"), 2, "no row would be copied: say --factor 2 or more"),
        (("-o", "out.txt", "--factor", 2), 2, "-o out.txt: expected a name that ends in .h5 or .hdf5"),
        (("--preview", "out.jpg"), 2, "--preview out.jpg: expected a name that ends in .png"),
        (("-o", "out.h5", "--factor", 2, "--policy", "none"), 2, "--policy none leaves faces as they are"),
        (
            ("-o", "out.h5", "--factor", 2, "--policy", "rotat"),
            2,
            "unknown augmentation 'rotat': did you mean 'rotate'?",
        ),
        (
            ("-o", "out.h5", "--factor", 2, "--classes", "disgust,hapy"),
            2,
            "unknown class 'hapy': did you mean 'happy'?",
        ),
        (("-o", "out.h5", "--factor", 0), 2, "Invalid value for '--factor'"),
        (("-o", "uneven.h5", "--factor", 2), 4, "uneven.h5 exists; choose another -o or say --overwrite"),
    ],
)
def test_what_cannot_be_is_refused_and_nothing_is_written(
    uneven: Path, arguments: tuple[object, ...], code: int, message: str
) -> None:
    result = run_fer("augment", uneven, *arguments)
    assert (result.exit_code, message in result.stderr) == (code, True), result.stderr
    assert [path.name for path in Path().iterdir()] == ["uneven.h5"]


def test_a_file_of_the_wrong_rows_is_refused(uneven: Path, tmp_path: Path) -> None:
    records = planted_records()
    val = write_dataset(tmp_path / "val.h5", records.take(records.split == 1))
    train = write_dataset(tmp_path / "train.h5", records.take((records.split == 0) & (records.labels != 1)))
    cases = {
        (val, "--factor", 2): "the split 'train' is empty",
        (train, "--factor", 2, "--before-split"): "train.h5: --before-split: expected rows in train and val or test",
        (train, "--balance", "augment", "--classes", "disgust"): "train.h5: --classes disgust: expected rows to copy",
        (train, "--balance", "augment"): "no row would be copied",
    }
    for arguments, message in cases.items():
        result = run_fer("augment", *arguments, "-o", "out.h5")
        assert message in result.stderr
        assert result.exit_code == (2 if message.startswith("no row") else 3)
    assert not Path("out.h5").exists()


def test_a_file_may_replace_itself(uneven: Path) -> None:
    assert run_fer("augment", uneven, "-o", uneven, "--factor", 2, "--overwrite").exit_code == 0
    with open_dataset(uneven) as dataset:
        assert dataset.table().sum(0).tolist() == [126, 28, 28]
