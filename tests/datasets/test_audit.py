import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fer_cli.datasets.audit import digests, find_duplicates, surplus_rows
from tests.datasets.layouts import draw_faces

TRAIN, VAL, TEST = 0, 1, 2


def codes(*values: int) -> np.ndarray:
    return np.array(values, np.uint8)


def test_digests_tell_images_apart_by_every_pixel() -> None:
    faces = np.concatenate([draw_faces(3), draw_faces(3)])
    faces[4, 47, 47, 0] ^= 1
    found = digests(faces)
    assert found.dtype == np.uint64
    assert (found[:3] == found[3:]).tolist() == [True, False, True]
    assert digests(faces[:0]).shape == (0,)


def test_planted_duplicates_are_counted() -> None:
    #                 a  a  a  b  c  a  b  d  d  b  d  e
    digest = np.array([1, 1, 1, 2, 3, 1, 2, 4, 4, 2, 4, 5], np.uint64)
    split = codes(0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2)
    labels = codes(0, 0, 6, 1, 2, 0, 1, 3, 3, 1, 4, 5)
    found = find_duplicates(digest, labels, split)
    assert found.images == 3
    assert found.conflicting == 2  # a and d
    assert found.repeated == {"train": 2, "val": 1, "test": 0}
    assert found.shared == {"val": {"train": 2}, "test": {"train": 1, "val": 2}}


def test_different_images_are_no_duplicates() -> None:
    found = find_duplicates(np.arange(6, dtype=np.uint64), codes(0, 0, 1, 1, 2, 2), codes(0, 0, 1, 1, 2, 2))
    assert (found.images, found.conflicting, sum(found.repeated.values())) == (0, 0, 0)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1))
def test_dropping_leaves_each_training_image_once_and_evaluation_splits_whole(rows: list[tuple[int, int]]) -> None:
    digest, split = np.array([r[0] for r in rows], np.uint64), codes(*(r[1] for r in rows))
    surplus = surplus_rows(digest, split)
    assert not surplus[split != TRAIN].any()
    left = digest[~surplus & (split == TRAIN)]
    assert len(np.unique(left)) == len(left)
    assert not np.isin(left, digest[split != TRAIN]).any()
    assert set(digest[~surplus]) == set(digest)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 2)), min_size=1))
def test_keeping_train_leaves_each_image_once_in_its_first_split(rows: list[tuple[int, int]]) -> None:
    digest, split = np.array([r[0] for r in rows], np.uint64), codes(*(r[1] for r in rows))
    kept = ~surplus_rows(digest, split, "train")
    assert sorted(digest[kept]) == sorted(set(digest))
    for image, part in zip(digest[kept], split[kept], strict=True):
        assert part == split[digest == image].min()


def test_the_first_training_row_stays() -> None:
    surplus = surplus_rows(np.array([7, 8, 7, 9], np.uint64), codes(TRAIN, TRAIN, TRAIN, VAL))
    assert surplus.tolist() == [False, False, True, False]
