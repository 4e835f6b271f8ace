"""`fer prepare --thin`: a group of the train rows is under-represented on purpose."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.thin import Thinning, known_thinnings, parse_thinning
from fer_cli.errors import UsageError
from fer_cli.labels import SPLITS
from fer_cli.store.reader import Dataset, open_dataset
from tests.commands.conftest import Prepare
from tests.helpers import run_fer

TONES = ("light", "medium", "dark")


@pytest.fixture(scope="module")
def faces(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """420 synthetic faces of 30 persons."""
    path = tmp_path_factory.mktemp("faces") / "faces.h5"
    assert run_fer("prepare", "synthetic", "--count", 420, "--size", 16, "-o", path, "-q").exit_code == 0
    return path


def table(dataset: Dataset, split: str, labels: bool = False) -> np.ndarray:
    """Rows of each skin tone, or of each tone and class, in a split."""
    tones, classes = dataset.attribute("skin_tone", split).astype(int), dataset.labels(split)
    counts = np.zeros((3, 7), int)
    np.add.at(counts, (tones, classes), 1)
    return counts if labels else counts.sum(1)


def test_a_part_of_each_class_of_the_group_is_kept_in_train_alone(faces: Path, prepare: Prepare) -> None:
    thinned = prepare(faces, "--thin", "skin_tone=dark:0.25")
    with open_dataset(faces) as whole:
        wanted = table(whole, "train", labels=True)
        wanted[2] = [round(0.25 * n) for n in wanted[2]]
        assert wanted[2].sum() > 0
        assert np.array_equal(table(thinned, "train", labels=True), wanted)
        for split in SPLITS[1:]:
            assert thinned.sources(split) == whole.sources(split)


def test_it_is_told_recorded_and_inherited(faces: Path, tmp_path: Path) -> None:
    out, copy, grown = tmp_path / "thin.h5", tmp_path / "copy.h5", tmp_path / "grown.h5"
    result = run_fer("prepare", faces, "--thin", "skin_tone=dark:0", "--thin", "glasses=yes:0.5", "-o", out)
    assert result.exit_code == 0
    with open_dataset(faces) as whole, open_dataset(out) as thinned:
        gone = table(whole, "train")[2]
        assert f"left out because of --thin skin_tone=dark:0: {gone}" in result.stderr
        assert table(thinned, "train")[2] == 0
        assert known_thinnings(thinned.provenance) == ["skin_tone=dark:0", "glasses=yes:0.5"]
        assert thinned.provenance["parameters"]["thin"][1] == {"attribute": "glasses", "value": "yes", "part": 0.5}
        assert thinned.provenance["results"]["dropped"]["--thin skin_tone=dark:0"] == gone
    run_fer("prepare", out, "--thin", "beard=yes:0.5", "-o", copy)
    run_fer("augment", out, "--factor", 2, "-o", grown)
    with open_dataset(copy) as first, open_dataset(grown) as second:
        assert known_thinnings(first.provenance) == ["skin_tone=dark:0", "glasses=yes:0.5", "beard=yes:0.5"]
        assert known_thinnings(second.provenance) == ["skin_tone=dark:0", "glasses=yes:0.5"]


def test_the_seed_says_which_rows_stay(faces: Path, tmp_path: Path) -> None:
    kept = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        path = tmp_path / f"{name}.h5"
        run_fer("prepare", faces, "--thin", "skin_tone=light:0.5", "--seed", seed, "-o", path, "-q")
        with open_dataset(path) as dataset:
            kept.append(dataset.sources("train"))
    assert kept[0] == kept[1]
    assert kept[0] != kept[2]
    assert len(kept[0]) == len(kept[2])


def test_a_limit_counts_what_is_left(faces: Path, prepare: Prepare) -> None:
    dataset = prepare(faces, "--thin", "skin_tone=dark:0", "--limit", 10)
    assert table(dataset, "train").tolist()[2] == 0
    assert dataset.table()[:, 0].tolist() == [10] * 7


@pytest.mark.parametrize(
    ("thin", "code", "told"),
    [
        ("skin_tone", 2, "--thin: expected ATTRIBUTE=VALUE:PART with a PART to keep from 0 to 1"),
        ("skin_tone=dark:1.5", 2, "Received: 'skin_tone=dark:1.5'"),
        ("skin_tone=dark:nan", 2, "Received: 'skin_tone=dark:nan'"),
        (
            "race=dark:0.5",
            3,
            "--thin race=dark:0.5: expected an attribute with names, of which there are beard, glasses",
        ),
        ("head_yaw=1:0.5", 3, "expected an attribute with names"),
        ("skin_tone=pale:0.5", 3, "--thin skin_tone=pale:0.5: skin_tone knows the values light, medium, dark"),
    ],
)
def test_what_cannot_be_thinned_is_told(thin: str, code: int, told: str, faces: Path, tmp_path: Path) -> None:
    result = run_fer("prepare", faces, "--thin", thin, "-o", tmp_path / "out.h5")
    assert result.exit_code == code
    assert told in result.stderr
    assert not (tmp_path / "out.h5").exists()


def test_a_group_that_train_lacks_is_told(faces: Path, tmp_path: Path) -> None:
    twice = ["--thin", "skin_tone=dark:0"]
    assert run_fer("prepare", faces, *twice, "-o", tmp_path / "out.h5").exit_code == 0
    result = run_fer("prepare", tmp_path / "out.h5", *twice, "-o", tmp_path / "again.h5")
    assert result.exit_code == 3
    assert "--thin skin_tone=dark:0: no train row has that value" in result.stderr


def test_nothing_left_of_train_is_no_secret(faces: Path) -> None:
    everyone = [word for tone in TONES for word in ("--thin", f"skin_tone={tone}:0")]
    result = run_fer("prepare", faces, *everyone, "-o", "out.h5", "--json")
    assert json.loads(result.stdout)["results"]["table"]["happy"]["train"] == 0


def test_values_may_hold_colons() -> None:
    assert parse_thinning("origin=a:b:0.5") == Thinning("origin", "a:b", 0.5)
    assert str(Thinning("origin", "a:b", 0.5)) == "origin=a:b:0.5"
    with pytest.raises(UsageError):
        parse_thinning("=dark:0.5")
