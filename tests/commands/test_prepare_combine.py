"""`fer prepare` of several sources into one file."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli.labels import EMOTIONS, EMOTIONS_8
from fer_cli.records import Records
from fer_cli.store.reader import Dataset, open_dataset
from fer_cli.store.writer import create_dataset
from tests.commands.conftest import Prepare
from tests.datasets.layouts import draw_faces, write_fer2013, write_image
from tests.helpers import planted_records, run_fer, write_dataset


def notes(dataset: Dataset) -> list[str]:
    found: list[str] = dataset.provenance["results"]["notes"]
    return found


def test_sizes_colours_and_splits_are_brought_together(dataset: Path, prepare: Prepare) -> None:
    faces = draw_faces(3)
    write_fer2013(Path("fer2013.csv"), faces, [6, 3, 3], ["Training", "PublicTest", "PrivateTest"])
    found = prepare(dataset, "fer2013.csv", "--size", "32", "--color", "rgb")
    assert found.image_shape == (32, 32, 3)
    assert found.table().sum(0).tolist() == [71, 29, 29]
    assert found.sources("val")[0] == "planted:planted:70"
    assert found.sources("val")[-1] == "fer2013:fer2013.csv:3"
    assert found.attribute_values("origin") == ("planted", "fer2013")
    assert found.attribute("origin", "test").tolist() == [0] * 28 + [1]
    assert found.subjects(None) is None
    assert "left out, since not all sources have the same: subject" in notes(found)


def test_classes_are_matched_by_name(prepare: Prepare) -> None:
    records = planted_records((70, 0, 0))
    write_dataset(Path("own.h5"), records)
    mixed = (*reversed(EMOTIONS), "contempt")
    other = replace(planted_records((80, 0, 0), seed=1), labels=(np.arange(80) % 8).astype(np.uint8))
    write_dataset(Path("eight.h5"), other, mixed)
    found = prepare("own.h5", "eight.h5")
    assert found.class_names == EMOTIONS_8
    names = [found.class_names[label] for label in found.labels(None)]
    assert names == [EMOTIONS[label] for label in records.labels] + [mixed[label] for label in other.labels]
    assert "the class contempt is only in eight" in notes(found)


def test_votes_follow_their_classes(prepare: Prepare) -> None:
    votes = np.eye(7, dtype=np.float32)[planted_records((70, 0, 0)).labels]
    write_dataset(Path("a.h5"), replace(planted_records((70, 0, 0)), votes=votes))
    write_dataset(Path("b.h5"), replace(planted_records((70, 0, 0), seed=1), votes=votes), tuple(reversed(EMOTIONS)))
    found = prepare("a.h5", "b.h5")
    assert np.array_equal(found.votes(None).argmax(1), found.labels(None))


def test_persons_of_two_sources_are_not_one(prepare: Prepare) -> None:
    write_dataset(Path("a.h5"))
    write_dataset(Path("b.h5"), planted_records(seed=1))
    subjects = prepare("a.h5", "b.h5").subjects(None)
    assert subjects is not None
    assert set(subjects) == {f"{source}:P{i}" for source in "ab" for i in range(10)}


def with_attributes(path: Path, seed: int, names: tuple[str, ...], **columns: np.ndarray) -> None:
    records: Records = replace(planted_records((7, 0, 0), seed), attributes=dict(columns))
    with create_dataset(path, EMOTIONS, {"glasses": names}) as writer:
        writer.append(records)
        writer.finish({})


def test_attributes_stay_where_all_sources_mean_the_same(prepare: Prepare) -> None:
    codes, age = np.arange(7, dtype=np.uint8) % 2, np.arange(7, dtype=np.float32)
    with_attributes(Path("a.h5"), 0, ("no", "yes"), glasses=codes, age=age, fold=codes)
    with_attributes(Path("b.h5"), 1, ("no", "yes"), glasses=codes, fold=codes)
    found = prepare("a.h5", "b.h5")
    assert found.attribute_names == ("glasses", "origin")
    assert found.attribute("glasses", None).tolist() == [*codes, *codes]
    assert found.attribute_values("glasses") == ("no", "yes")
    assert "left out, since not all sources have the same: attributes age, fold" in notes(found)
    with_attributes(Path("c.h5"), 2, ("yes", "no"), glasses=codes)
    assert run_fer("prepare", "a.h5", "c.h5", "-o", "ac.h5").exit_code == 0
    with open_dataset(Path("ac.h5")) as other:
        assert other.attribute_names == ("origin",)


def test_classes_that_are_no_emotions_must_be_the_same(dataset: Path) -> None:
    for i, face in enumerate(draw_faces(4)):
        write_image(Path("faces", ("happy", "hapy")[i % 2], f"{i}.png"), face)
    result = run_fer("prepare", dataset, "faces", "-o", "out/a.h5")
    assert result.exit_code == 3
    assert "need the same classes, but for emotions: 'hapy' is only in faces" in result.stderr
    assert not Path("out").exists()


def test_sources_of_different_sizes_need_the_option(dataset: Path) -> None:
    write_fer2013(Path("fer2013.csv"), draw_faces(2), [6, 3], ["Training", "PublicTest"])
    result = run_fer("prepare", dataset, "fer2013.csv", "-o", "out/a.h5")
    assert result.exit_code == 3
    assert "--size and --color bring all to one shape" in result.stderr
    assert not Path("out").exists()


@pytest.fixture
def leaking() -> tuple[str, str]:
    """Two files; two pictures that are train in the first are test in the second."""
    records = planted_records((70, 0, 0))
    write_dataset(Path("a.h5"), records)
    other = planted_records((0, 0, 14), seed=1)
    other.images[:2] = records.images[:2]
    write_dataset(Path("b.h5"), other)
    return "a.h5", "b.h5"


def test_one_picture_in_two_splits_is_refused(leaking: tuple[str, str]) -> None:
    result = run_fer("prepare", *leaking, "-o", "out/a.h5")
    assert result.exit_code == 3
    assert "2 pictures would stand in two splits, each from another source" in result.stderr
    assert "a:planted:" in result.stderr
    assert "(train) and b:planted:" in result.stderr
    assert not Path("out").exists()


def test_unless_it_is_allowed_or_dropped(leaking: tuple[str, str], prepare: Prepare) -> None:
    allowed = prepare(*leaking, "--allow-leaks")
    assert len(allowed) == 84
    assert allowed.provenance["results"]["split"]["leaks"] == [
        "2 pictures of one source are in another split of another source"
    ]
    result = run_fer("prepare", *leaking, "--drop-duplicates", "-o", "dropped.h5")
    assert result.exit_code == 0
    with open_dataset(Path("dropped.h5")) as dropped:
        assert dropped.table().sum(0).tolist() == [68, 0, 14]


def test_what_leaks_inside_one_source_is_its_own(prepare: Prepare) -> None:
    records = planted_records()
    records.images[80] = records.images[0]
    write_dataset(Path("a.h5"), records)
    write_dataset(Path("b.h5"), planted_records(seed=1))
    found = prepare("a.h5", "b.h5").provenance["results"]["duplicates"]
    assert found["shared"]["val"]["train"] == 1
