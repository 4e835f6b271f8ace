"""The drawn face moves, turns and shines as its parameters say."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import fields, replace

import cv2
import numpy as np
import pytest

from fer_cli.datasets.facs import geometry
from fer_cli.datasets.facs.action_units import EMOTION_UNITS, WEAKEST, ActionUnits, sample_units
from fer_cli.datasets.facs.draw import draw_face, draw_faces, illumination
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import BEARDS, GLASSES, HAIR_STYLES, Person, sample_person
from fer_cli.datasets.facs.scene import Scene, sample_scene
from fer_cli.labels import EMOTIONS

SIZE = 96


def person(seed: int = 0, **traits: object) -> Person:
    plain = {"glasses": "none", "beard": "none", "hair_style": "short"}
    return replace(sample_person(np.random.default_rng(seed)), **plain | traits)


def box(face: Face, part: str) -> geometry.Box:
    return geometry.regions(face, SIZE)[part]


def mouth_corners(face: Face) -> float:
    return float(geometry.landmarks(face, SIZE)[3:, 1].mean())


def mouth_width(face: Face) -> float:
    left, right = geometry.landmarks(face, SIZE)[3:]
    return float(right[0] - left[0])


def lip_height(face: Face) -> float:
    return box(face, "mouth").bottom - box(face, "mouth").top


def eye_height(face: Face) -> float:
    return box(face, "left_eye").bottom - box(face, "left_eye").top


def brow_end(inner: bool) -> Callable[[Face], float]:
    def measure(face: Face) -> float:
        points = geometry.outlines(face, SIZE)["right_brow"]
        return float(points[np.argmin(points[:, 0]) if inner else np.argmax(points[:, 0]), 1])

    return measure


def brow_gap(face: Face) -> float:
    return box(face, "right_brow").left - box(face, "left_brow").right


#: Unit, what it moves, and the direction: +1 is more, or further down the picture.
MOVES: list[tuple[str, Callable[[Face], float], int]] = [
    ("au01", brow_end(inner=True), -1),
    ("au02", brow_end(inner=False), -1),
    ("au04", brow_end(inner=True), +1),
    ("au04", brow_gap, -1),
    ("au05", eye_height, +1),
    ("au06", lambda face: box(face, "left_eye").bottom, -1),
    ("au07", eye_height, -1),
    ("au09", lambda face: float(geometry.landmarks(face, SIZE)[2, 1]), -1),
    ("au12", mouth_corners, -1),
    ("au12", mouth_width, +1),
    ("au15", mouth_corners, +1),
    ("au16", lambda face: box(face, "mouth").bottom, +1),
    ("au20", mouth_width, +1),
    ("au23", lip_height, -1),
    ("au26", lambda face: box(face, "face").bottom, +1),
    ("au26", lip_height, +1),
    ("au43", eye_height, -1),
]


@pytest.mark.parametrize(("unit", "measure", "direction"), MOVES)
def test_each_unit_moves_its_part_and_the_more_the_stronger_it_is(
    unit: str, measure: Callable[[Face], float], direction: int
) -> None:
    who = person()
    rest, weak, full = (
        measure(Face(who, ActionUnits(**{unit: strength}))) * direction for strength in (0.0, WEAKEST, 1.0)
    )

    assert rest < weak < full
    assert full - rest > 0.01 * SIZE  # half a pixel of a face of 48


def test_the_table_of_moves_covers_every_unit() -> None:
    assert {unit for unit, _, _ in MOVES} == {unit.name for unit in fields(ActionUnits)}


def test_emotions_are_those_of_the_project_with_strong_units_only() -> None:
    assert tuple(EMOTION_UNITS) == EMOTIONS
    rng = np.random.default_rng(1)
    for emotion, names in EMOTION_UNITS.items():
        units = sample_units(rng, emotion)
        assert all(WEAKEST <= getattr(units, name) <= 1.0 for name in names)
        assert replace(units, **dict.fromkeys(names, 0.0)) == ActionUnits()


def test_a_turned_head_carries_its_landmarks_along() -> None:
    ahead = Face(person())
    nose = geometry.landmarks(ahead, SIZE)[2]

    assert geometry.landmarks(replace(ahead, scene=Scene(yaw=20)), SIZE)[2, 0] > nose[0] + 5
    assert geometry.landmarks(replace(ahead, scene=Scene(pitch=10)), SIZE)[2, 1] > nose[1] + 2
    left, right = geometry.landmarks(replace(ahead, scene=Scene(roll=10)), SIZE)[:2]
    assert math.degrees(math.atan2(right[1] - left[1], right[0] - left[0])) == pytest.approx(10)


def test_a_frontal_face_is_symmetric_about_the_middle_of_the_picture() -> None:
    left, right, nose, left_corner, right_corner = geometry.landmarks(Face(person()), SIZE)
    middle = (SIZE - 1) / 2

    assert left[0] + right[0] == pytest.approx(2 * middle)
    assert left_corner[0] + right_corner[0] == pytest.approx(2 * middle)
    assert nose[0] == pytest.approx(middle)


def test_scale_and_shift_are_fractions_of_the_side() -> None:
    face = Face(person())
    points = geometry.landmarks(face, SIZE)
    moved = geometry.landmarks(replace(face, scene=Scene(shift_x=0.1, shift_y=-0.05)), SIZE)
    larger = geometry.landmarks(replace(face, scene=Scene(scale=2 * Scene().scale)), SIZE)
    middle = (SIZE - 1) / 2

    np.testing.assert_allclose(moved - points, np.broadcast_to((0.1 * SIZE, -0.05 * SIZE), (5, 2)))
    np.testing.assert_allclose(larger - middle, 2 * (points - middle))


@pytest.mark.parametrize(("gaze_x", "gaze_y"), [(0, 0), (20, 0), (-20, 0), (0, 10), (15, -8)])
def test_the_pupils_are_painted_where_gaze_says(gaze_x: float, gaze_y: float) -> None:
    face = Face(person(), ActionUnits(au05=1.0), Scene(gaze_x=gaze_x, gaze_y=gaze_y))
    size = 192
    picture = draw_face(face, size)[:, :, 0]
    straight = geometry.pupils(replace(face, scene=Scene()), size)
    pupils = geometry.pupils(face, size)

    assert np.sign(np.round(pupils - straight, 6)).tolist() == [[np.sign(gaze_x), np.sign(gaze_y)]] * 2
    for x, y in np.rint(pupils).astype(int):
        assert picture[y - 1 : y + 2, x - 1 : x + 2].max() < 40


def test_openness_falls_to_nothing_as_the_eyes_close() -> None:
    who = person()
    values = [geometry.eye_openness(Face(who, ActionUnits(au43=closed))) for closed in (0.0, 0.3, 0.6, 1.0)]

    assert values == sorted(values, reverse=True)
    assert values[0] > 0.3
    assert values[-1] == pytest.approx(0.0, abs=1e-9)


def test_light_from_the_right_brightens_the_right_by_the_stated_factor() -> None:
    even = Face(person())
    lit = replace(even, scene=Scene(light_azimuth=60, light_strength=0.6))
    factor = illumination(lit, SIZE)
    bare, shone = draw_face(even, SIZE).astype(float)[:, :, 0], draw_face(lit, SIZE).astype(float)[:, :, 0]

    assert (illumination(even, SIZE) == 1.0).all()
    assert factor[:, SIZE // 2 :].mean() > 1.3 * factor[:, : SIZE // 2].mean()
    assert np.abs(shone - bare * factor).max() <= 1.0  # both are cut to whole grey levels


def test_another_expression_leaves_person_and_scene_as_they_are() -> None:
    rng = np.random.default_rng(5)
    scene = replace(sample_scene(rng), blur=0.0)
    calm = Face(person(5), scene=scene)
    before = draw_face(calm, SIZE, "rgb").astype(int)
    after = draw_face(replace(calm, units=sample_units(rng, "happy")), SIZE, "rgb").astype(int)
    face = geometry.regions(calm, SIZE)["face"]
    changed = np.argwhere(np.abs(after - before).max(axis=2) > 0)

    assert len(changed) > 100
    assert changed[:, 0].min() > face.top
    assert changed[:, 1].min() >= face.left - 1
    assert changed[:, 1].max() <= face.right + 1


def test_grey_is_the_luma_of_the_colour_picture() -> None:
    rng = np.random.default_rng(2)
    face = Face(person(2), sample_units(rng, "fear"), replace(sample_scene(rng), noise=0.0))
    color, gray = draw_face(face, SIZE, "rgb"), draw_face(face, SIZE, "gray")

    assert color.shape == (SIZE, SIZE, 3)
    assert gray.shape == (SIZE, SIZE, 1)
    assert color.dtype == gray.dtype == np.uint8
    luma = cv2.cvtColor(color, cv2.COLOR_RGB2GRAY).astype(int)
    assert np.abs(luma - gray[:, :, 0]).max() <= 2


def test_a_larger_picture_shows_the_same_face() -> None:
    face = Face(person(3), ActionUnits(au12=1.0), Scene(yaw=10))
    small, large = draw_face(face, 48), draw_face(face, 192)

    reduced = cv2.resize(large, (48, 48), interpolation=cv2.INTER_AREA).astype(int)
    assert np.abs(reduced - small[:, :, 0]).mean() < 6


@pytest.mark.parametrize("trait", [("hair_style", HAIR_STYLES), ("beard", BEARDS), ("glasses", GLASSES)])
def test_every_kind_of_hair_beard_and_glasses_looks_different(trait: tuple[str, tuple[str, ...]]) -> None:
    name, kinds = trait
    pictures = [draw_face(Face(person(4, **{name: kind})), 48).astype(int) for kind in kinds]

    for i, first in enumerate(pictures):
        for second in pictures[i + 1 :]:
            assert (np.abs(first - second) > 10).sum() >= 5


def test_a_face_is_the_same_alone_and_among_others() -> None:
    rng = np.random.default_rng(8)
    faces = [Face(sample_person(rng), sample_units(rng, name), sample_scene(rng)) for name in EMOTIONS]
    together = draw_faces(faces, 48, "rgb")

    assert together.shape == (7, 48, 48, 3)
    for face, picture in zip(faces, together, strict=True):
        np.testing.assert_array_equal(draw_face(face, 48, "rgb"), picture)


def test_the_same_face_is_the_same_picture() -> None:
    face = Face(person(6), ActionUnits(au09=1.0), sample_scene(np.random.default_rng(6)))

    np.testing.assert_array_equal(draw_face(face), draw_face(face))
    assert (draw_face(face) != draw_face(replace(face, scene=replace(face.scene, texture=1)))).any()
