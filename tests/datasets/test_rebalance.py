"""Growing a dataset: how many copies each row gets, and what is in a copy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_cli.datasets.rebalance import Copies, Growth, count_copies, count_leaks, grow, plan, split_again, write
from fer_cli.records import Records, concatenate
from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import create_dataset
from fer_cli.transform.policy import parse_policy
from tests.helpers import planted_faces, write_dataset

# Three classes of 10, 4 and 1 rows.
LABELS = np.repeat(np.arange(3, dtype=np.uint8), (10, 4, 1))
ALL = np.ones(3, np.bool_)
NAMES = ("angry", "disgust", "fear")


def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def rare_records() -> Records:
    """24 train rows, 15 of class 0, 6 of class 1, 3 of class 2, and 6 val rows; with votes, subject, attribute."""
    labels = np.concatenate([np.repeat(np.arange(3), (15, 6, 3)), np.arange(6) % 3]).astype(np.uint8)
    n = len(labels)
    votes = np.full((n, 3), 0.1, np.float32)
    votes[np.arange(n), labels] = 0.8
    return Records(
        images=planted_faces(labels, seed=1),
        labels=labels,
        split=np.repeat(np.arange(2, dtype=np.uint8), (24, 6)),
        source=[f"face:{i}" for i in range(n)],
        votes=votes,
        subject=[f"P{i % 4}" for i in range(n)],
        attributes={"age": np.arange(n, dtype=np.float32), "glasses": (np.arange(n) % 2).astype(np.uint8)},
    )


@pytest.fixture
def rare(tmp_path: Path) -> Path:
    """`rare_records` as a file whose codes of glasses have names."""
    path = tmp_path / "rare.h5"
    with create_dataset(path, NAMES, {"glasses": ("no", "yes")}) as writer:
        writer.append(rare_records())
        writer.finish({}, [{"name": "crop"}])
    return path


def all_rows(path: Path) -> Records:
    with open_dataset(path) as dataset:
        return concatenate(list(dataset.records()))


def grown(path: Path, growth: Growth, budget: int = 1 << 30) -> Records:
    """All rows of a file after growing."""
    with open_dataset(path, budget) as dataset:
        write(dataset, Path("out.h5"), growth, plan(dataset, growth))
    return all_rows(Path("out.h5"))


def test_balance_brings_every_class_to_the_largest_in_even_shares() -> None:
    copies = count_copies(LABELS, ALL, "oversample", 1, rng())
    assert np.bincount(LABELS, 1 + copies.plain).tolist() == [10, 10, 10]
    assert sorted(copies.plain[LABELS == 1]) == [1, 1, 2, 2]
    assert not copies.augmented.any()
    augmented = count_copies(LABELS, ALL, "augment", 1, rng())
    assert np.array_equal(augmented.augmented, copies.plain)
    assert not augmented.plain.any()


def test_factor_counts_the_row_itself_and_acts_after_balance() -> None:
    assert (count_copies(LABELS, ALL, None, 3, rng()).augmented == 2).all()
    both = count_copies(LABELS, ALL, "oversample", 3, rng())
    assert np.bincount(LABELS, both.plain).tolist() == [0, 6, 9]
    assert np.bincount(LABELS, both.augmented).tolist() == [20, 20, 20]


@pytest.mark.parametrize(("balance", "factor", "added"), [("augment", 1, 6), (None, 3, 8), ("augment", 2, 16)])
def test_only_the_classes_named_grow(balance: str | None, factor: int, added: int) -> None:
    copies = count_copies(LABELS, np.array([False, True, False]), balance, factor, rng())  # type: ignore[arg-type]
    assert np.bincount(LABELS, copies.augmented).tolist() == [0, added, 0]


def test_a_class_without_rows_stays_empty() -> None:
    copies = count_copies(LABELS, np.ones(5, np.bool_), "oversample", 2, rng())
    assert np.bincount(LABELS, 1 + copies.plain).tolist() == [10, 10, 10]


def test_copies_keep_all_but_pixels_and_source(rare: Path) -> None:
    before, after = rare_records(), grown(rare, Growth(policy="brightness:0.5", factor=3))
    assert len(after) == 30 + 2 * 24
    rows = {source: i for i, source in enumerate(before.source)}
    assert set(after.source) == set(before.source) | {f"face:{i}#aug{k}" for i in range(24) for k in (1, 2)}
    origin = np.array([rows[source.split("#")[0]] for source in after.source])
    for name in ("labels", "split", "votes"):
        assert np.array_equal(getattr(after, name), getattr(before, name)[origin]), name
    assert after.subject == [before.subject[i] for i in origin]  # type: ignore[index]
    assert all(np.array_equal(after.attributes[name], before.attributes[name][origin]) for name in before.attributes)
    is_copy = np.array(["#" in source for source in after.source])
    assert np.array_equal(after.images[~is_copy], before.images)
    assert (after.images[is_copy] != before.images[origin[is_copy]]).any(axis=(1, 2, 3)).all()
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.attribute_values("glasses") == ("no", "yes")


def test_augmented_copies_had_the_policy_done_to_them(rare: Path) -> None:
    before, after = rare_records(), grown(rare, Growth(policy="flip:1", factor=2))
    images = dict(zip(after.source, after.images, strict=True))
    for source, image in zip(before.source[:24], before.images, strict=False):
        assert np.array_equal(images[f"{source}#aug1"], image[:, ::-1])


def test_oversampled_copies_are_plain(rare: Path) -> None:
    after = grown(rare, Growth(balance="oversample"))
    images = dict(zip(after.source, after.images, strict=True))
    copies = [source for source in after.source if "#" in source]
    assert len(copies) == 9 + 12
    for source in copies:
        original, number = source.split("#copy")
        assert number.isdigit()
        assert np.array_equal(images[source], images[original])


def test_copies_of_copies_get_names_of_their_own(rare: Path) -> None:
    grown(rare, Growth(policy="noise", factor=2))
    Path("out.h5").rename("once.h5")
    twice = grown(Path("once.h5"), Growth(policy="noise", factor=2)).source
    # face:0 has its #aug1 already, which gets one itself.
    assert {s for s in twice if s.startswith("face:0#")} == {"face:0#aug1", "face:0#aug2", "face:0#aug1#aug1"}


def test_the_same_seed_gives_the_same_file_however_it_is_read(rare: Path) -> None:
    wanted = {"policy": "strong", "balance": "augment", "factor": 2}
    first = grown(rare, Growth(**wanted, seed=3))  # type: ignore[arg-type]
    streamed = grown(rare, Growth(**wanted, seed=3), budget=0)  # type: ignore[arg-type]
    other = grown(rare, Growth(**wanted, seed=4))  # type: ignore[arg-type]
    assert first.source == streamed.source
    assert np.array_equal(first.images, streamed.images)
    assert not np.array_equal(first.images, other.images)


def test_blocks_stay_small_and_in_the_order_of_the_splits(tmp_path: Path) -> None:
    labels = np.zeros(310, np.uint8)
    records = Records(
        planted_faces(labels), labels, np.repeat([0, 1], (300, 10)).astype(np.uint8), list(map(str, range(310)))
    )
    with open_dataset(write_dataset(tmp_path / "long.h5", records, NAMES), budget=0) as dataset:
        copies = Copies(np.zeros(310, np.int64), np.array([2] * 290 + [50] * 10 + [0] * 10))
        parts = list(grow(dataset, copies, parse_policy("flip"), 0))
    assert max(len(part) for part, _ in parts) == 256
    written = concatenate([part for part, _ in parts])
    assert (np.diff(written.split.astype(int)) >= 0).all()
    rows = np.concatenate([rows for _, rows in parts])
    assert np.bincount(rows).tolist() == (1 + copies.augmented).tolist()
    assert [source.split("#")[0] for source in written.source] == list(map(str, rows))


def test_copying_before_the_split_leaks_and_the_file_says_how_much(rare: Path) -> None:
    after = grown(rare, Growth(policy="noise", factor=5, before_split=True))
    assert np.bincount(after.split, minlength=3).tolist() == [120, 30, 0]
    people = [source.split("#")[0] for source in after.source]
    in_train = {person for person, split in zip(people, after.split, strict=True) if split == 0}
    leaked = sum(person in in_train for person, split in zip(people, after.split, strict=True) if split == 1)
    assert leaked > 20
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.provenance["results"]["copies_across_splits"] == {"val": {"rows": 30, "also_in_train": leaked}}
        assert [step["name"] for step in dataset.transforms] == ["crop", "augment"]
        assert dataset.transforms[1]["before_split"] is True


def test_without_before_split_nothing_leaks(rare: Path) -> None:
    grown(rare, Growth(factor=2))
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.provenance["results"]["copies_across_splits"] == {"val": {"rows": 6, "also_in_train": 0}}
        assert dataset.provenance["results"]["notes"] == []


def test_leaks_are_counted_by_origin() -> None:
    split = np.array([0, 0, 1, 1, 1, 2, 2], np.uint8)
    origin = np.array([7, 8, 7, 9, 8, 9, 9])
    assert count_leaks(split, origin) == {
        "val": {"rows": 3, "also_in_train": 2},
        "test": {"rows": 2, "also_in_train": 0},
    }


def test_a_new_split_keeps_the_proportions() -> None:
    split = np.repeat(np.arange(3, dtype=np.uint8), (80, 0, 20))
    again = split_again(split, 251, rng())
    assert np.bincount(again, minlength=3).tolist() == [201, 0, 50]
    assert (np.diff(again.astype(int)) < 0).any()
