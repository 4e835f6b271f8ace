import numpy as np
import pytest

from fer_cli.transform.warp import matrices, warp
from tests.transform.planted import blobs, dot, noise_faces, place_of, still

CENTRE = 24  # of a 49-pixel side


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("width", [24, 31])
def test_flip_is_an_exact_mirror(channels: int, width: int) -> None:
    faces = noise_faces(3, 24, width, channels)
    flipped = warp(faces, still(3, faces.shape[1:], flip=True))
    np.testing.assert_array_equal(flipped, faces[:, :, ::-1])


def test_each_face_has_its_own_matrix() -> None:
    faces = noise_faces(2)
    parameters = still(2, faces.shape[1:])
    parameters.flip[1] = True
    warped = warp(faces, parameters)
    np.testing.assert_array_equal(warped[0], faces[0])
    np.testing.assert_array_equal(warped[1], faces[1, :, ::-1])


def test_nothing_to_do_gives_the_faces_back() -> None:
    faces = noise_faces(2)
    assert warp(faces, still(2, faces.shape[1:])) is faces


def test_shift_moves_right_and_down() -> None:
    moved = warp(dot(40, 56, x=20, y=10), still(1, (40, 56), shift=(7, -4)))
    np.testing.assert_array_equal(moved, dot(40, 56, x=27, y=6))


def test_what_comes_in_repeats_the_edge() -> None:
    faces = noise_faces(1)
    moved = warp(faces, still(1, faces.shape[1:], shift=(5, 0)))
    np.testing.assert_array_equal(moved[:, :, :5], np.repeat(faces[:, :, :1], 5, axis=2))


def test_rotation_turns_counter_clockwise() -> None:
    face = blobs()
    turned = warp(face, still(1, face.shape[1:], angle=90))
    np.testing.assert_allclose(turned[0].astype(int), np.rot90(face[0]).astype(int), atol=1)


@pytest.mark.parametrize("angle", [-75, -10, 33, 180])
def test_rotation_keeps_the_centre(angle: float) -> None:
    face = dot(49, 49, CENTRE, CENTRE)
    turned = warp(face, still(1, face.shape[1:], angle=angle))
    assert turned[0, CENTRE, CENTRE, 0] == 255
    assert place_of(turned) == pytest.approx((CENTRE, CENTRE), abs=0.02)


def test_zoom_multiplies_the_distance_from_the_centre() -> None:
    face = dot(49, 49, CENTRE + 6, CENTRE - 4)
    assert place_of(warp(face, still(1, face.shape[1:], zoom=1.5))) == pytest.approx((CENTRE + 9, CENTRE - 6), abs=0.1)


def test_shear_slants_by_its_angle() -> None:
    face = dot(49, 49, CENTRE, CENTRE + 10)
    sheared = warp(face, still(1, face.shape[1:], shear=np.rad2deg(np.arctan(0.5))))
    assert place_of(sheared) == pytest.approx((CENTRE + 5, CENTRE + 10), abs=0.1)


def test_tilt_shrinks_one_edge_and_grows_the_other() -> None:
    matrix = matrices(still(1, (49, 49), tilt=(0.2, 0)), 49, 49)[0]
    corners = np.array([[0, 0, 1], [0, 48, 1], [48, 0, 1], [48, 48, 1]]) @ matrix.T
    x, y = (corners[:, :2] / corners[:, 2:]).T
    assert y[1] - y[0] == pytest.approx(48 / 0.8)
    assert y[3] - y[2] == pytest.approx(48 / 1.2)
    assert (x[:2].mean(), x[2:].mean()) == pytest.approx((24 - 24 / 0.8, 24 + 24 / 1.2))


def test_tilt_warps_as_its_matrix_says() -> None:
    face = dot(49, 49, CENTRE + 10, CENTRE + 5)
    parameters = still(1, face.shape[1:], tilt=(0.2, -0.1))
    x, y, w = matrices(parameters, 49, 49)[0] @ (CENTRE + 10, CENTRE + 5, 1)
    assert place_of(warp(face, parameters)) == pytest.approx((x / w, y / w), abs=0.15)


def test_one_warp_equals_the_chain_of_its_parts() -> None:
    face = blobs(side=97)
    steps = [
        {"flip": True},
        {"zoom": 1.1},
        {"shear": 5},
        {"angle": 12},
        {"tilt": (0.05, -0.05)},
        {"shift": (2.5, -1.5)},
    ]
    chained, product = face, np.eye(3)
    for step in steps:
        alone = still(1, face.shape[1:], **step)
        chained, product = warp(chained, alone), matrices(alone, 97, 97)[0] @ product
    everything = still(1, face.shape[1:], **{name: value for step in steps for name, value in step.items()})
    np.testing.assert_allclose(matrices(everything, 97, 97)[0], product, atol=1e-12)
    difference = np.abs(warp(face, everything).astype(int) - chained.astype(int))
    assert difference.max() <= 5
    assert difference.mean() < 0.5
    # The same measure tells the face from where it was before.
    assert np.abs(face.astype(int) - chained.astype(int)).mean() > 10
