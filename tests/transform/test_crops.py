"""The views of test-time augmentation."""

from __future__ import annotations

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.transform import crops


def coordinates(height: int, width: int) -> np.ndarray:
    """One image whose pixels hold their own row and column (and 0)."""
    rows, columns = np.indices((height, width))
    return np.stack([rows, columns, np.zeros_like(rows)], -1).astype(np.uint8)[None]


def test_flip_mirrors_columns_and_leaves_rows() -> None:
    images = coordinates(4, 6)
    same, mirrored = crops.flip(images)
    assert np.array_equal(same, images)
    assert mirrored[0, 2, :, 1].tolist() == [5, 4, 3, 2, 1, 0]
    assert mirrored[0, :, 0, 0].tolist() == [0, 1, 2, 3]


def test_ten_crop_takes_corners_and_centre_each_with_its_mirror_image() -> None:
    views = list(crops.ten_crop(coordinates(48, 48)))
    assert [view.shape for view in views] == [(1, 44, 44, 3)] * 10
    assert [tuple(view[0, 0, 0, :2]) for view in views[::2]] == [(0, 0), (0, 4), (4, 0), (4, 4), (2, 2)]
    for view, mirrored in zip(views[::2], views[1::2], strict=True):
        assert np.array_equal(mirrored, view[:, :, ::-1])


def test_ten_crop_of_an_oblong_image_crops_each_side_by_its_own_length() -> None:
    assert next(crops.ten_crop(coordinates(24, 96))).shape == (1, 22, 88, 3)


def test_views_of_a_given_size() -> None:
    images = coordinates(12, 10)
    (view,) = crops.single(images, (6, 5))
    assert view.shape == (1, 6, 5, 3)
    assert view[0, 0, 0].tolist() == [3, 2, 0]
    assert [tuple(v[0, 0, 0, :2]) for v in list(crops.ten_crop(images, (6, 5)))[::2]] == [
        (0, 0), (0, 5), (6, 0), (6, 5), (3, 2),
    ]  # fmt: skip


def test_the_centre_of_that_size_is_the_images_themselves() -> None:
    images = coordinates(4, 4)
    assert crops.centre(images, (4, 4)) is images
    assert crops.centre(images, (2, 3))[0, 0, 0].tolist() == [1, 0, 0]


def test_random_crops_are_windows_at_every_place() -> None:
    corners = crops.draw_corners(2000, (6, 5, 3), (4, 4), np.random.default_rng(0))
    places, counts = np.unique(corners, axis=0, return_counts=True)
    assert places.tolist() == [[top, left] for top in range(3) for left in range(2)]
    assert counts.min() > 280
    found = crops.crop_at(np.repeat(coordinates(6, 5), 2000, axis=0), corners, (4, 4))
    assert found.shape == (2000, 4, 4, 3)
    np.testing.assert_array_equal(found[:, 0, 0, :2], corners)
    np.testing.assert_array_equal(found[:, -1, -1, :2], corners + 3)


@pytest.mark.parametrize("name", catalog.TEST_TIME)
def test_views_are_contiguous_and_leave_the_images_alone(name: str) -> None:
    images = coordinates(12, 12)
    before = images.copy()
    for view in catalog.find(catalog.TEST_TIME, name, "test-time augmentation")(images):
        assert view.flags.c_contiguous
    assert np.array_equal(images, before)
