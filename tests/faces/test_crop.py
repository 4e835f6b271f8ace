from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.faces.align import EYE_DISTANCE, EYE_HEIGHT, Square
from fer_cli.faces.crop import crop_face, cut
from fer_cli.faces.detect import Face, by_prominence
from tests.faces.drawn import portrait

Pixels = npt.NDArray[np.uint8]

NOISE = np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8)


@dataclass
class Told:
    """A detector that finds what it is told."""

    faces: list[Face]
    seen: list[tuple[int, ...]] = field(default_factory=list)

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        self.seen.append(image.shape)
        return self.faces


def test_an_upright_crop_has_the_very_pixels() -> None:
    crop = crop_face(NOISE, Told([Face((10.0, 5.0, 20.0, 20.0), 1.0)]), 0.0, align=False)
    assert np.array_equal(crop, NOISE[5:25, 10:30])


def test_the_margin_is_added_on_each_side_and_the_longer_side_counts() -> None:
    crop = crop_face(NOISE, Told([Face((25.0, 10.0, 10.0, 20.0), 1.0)]), 0.25, align=True)
    assert np.array_equal(crop, NOISE[5:35, 15:45])


def test_beyond_the_picture_its_edge_is_repeated() -> None:
    crop = cut(NOISE, Square(0.0, 0.0, 21.0))
    assert np.array_equal(crop[10:, 10:], NOISE[:11, :11])
    assert (crop[:10, :10] == NOISE[0, 0]).all()
    assert np.array_equal(crop[:10, 10:], np.repeat(NOISE[:1, :11], 10, axis=0))


def test_a_turned_crop_repeats_the_edge_too() -> None:
    picture = np.full((40, 60, 1), 200, np.uint8)
    crop = cut(picture, Square(2.0, 3.0, 30.0, 30.0))
    assert crop.shape == (30, 30, 1)
    assert (crop == 200).all()


def test_a_picture_wider_than_opencv_warps_is_cropped() -> None:
    picture = np.zeros((20, 40_000, 1), np.uint8)
    picture[:, 39_000:] = 100
    assert (cut(picture, Square(39_500.0, 10.0, 16.0, 20.0)) == 100).all()


def test_crops_of_drawn_faces_have_their_eyes_level_and_in_place() -> None:
    """Planted landmarks go through the crop as two dots, which are then looked for."""
    for person, roll in enumerate((-25.0, 0.0, 18.0)):
        drawn = portrait(person, roll)
        image = drawn.image // 2
        places = drawn.landmarks[:2].round().astype(int)
        for x, y in places:
            image[y - 1 : y + 2, x - 1 : x + 2] = 255
        crop = crop_face(image, Told([Face(drawn.box, 1.0, places.astype(np.float32))]), 0.1, align=True)
        assert crop is not None
        side, halves = len(crop), np.array_split(crop[..., 0] > 160, 2, axis=1)
        (left_y, left_x), (right_y, right_x) = (np.argwhere(half).mean(axis=0) for half in halves)
        right_x += halves[0].shape[1]
        assert abs(left_y - right_y) < 0.5
        assert right_x - left_x == pytest.approx(EYE_DISTANCE / 1.2 * side, abs=1.0)
        assert left_y == pytest.approx((0.5 - (0.5 - EYE_HEIGHT) / 1.2) * side, abs=1.0)


def test_grey_pictures_are_shown_to_the_detector_in_three_channels_and_stay_grey() -> None:
    detector = Told([Face((0.0, 0.0, 10.0, 10.0), 1.0)])
    crop = crop_face(NOISE[..., :1], detector, 0.0, align=False)
    assert crop is not None
    assert crop.shape == (10, 10, 1)
    assert detector.seen == [(40, 60, 3)]


def test_without_a_face_there_is_no_crop() -> None:
    assert crop_face(NOISE, Told([]), 0.0, align=True) is None


def test_prominence_weighs_size_and_confidence() -> None:
    small, doubtful, clear = (Face((0.0, 0.0, w, w), c) for w, c in ((10.0, 1.0), (40.0, 0.3), (30.0, 0.9)))
    assert by_prominence([small, doubtful, clear]) == [clear, doubtful, small]
