"""Illumination corrections on faces whose light is known."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli import catalog
from fer_cli.datasets.facs.action_units import sample_units
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.errors import UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.transform import illuminate as corrections
from fer_cli.transform.adapt import adapt
from fer_cli.transform.illuminate import illuminate
from tests.transform.planted import noise_faces

METHODS = tuple(catalog.ILLUMINATIONS)
#: Light from the front, from both sides and from above; then weaker and stronger light.
LIGHTS = (
    Scene(),
    Scene(light_azimuth=-60, light_elevation=20, light_strength=0.7),
    Scene(light_azimuth=60, light_elevation=20, light_strength=0.7),
    Scene(light_elevation=60, light_strength=0.7),
    Scene(light_azimuth=-40, light_elevation=-10, light_strength=0.5, exposure=0.7),
    Scene(light_azimuth=40, light_elevation=40, light_strength=0.6, exposure=1.3),
)
#: At most so much of the share of light that a method finds may be left.
LEFT = {"equalize": 0.7, "clahe": 0.5, "gamma": 0.75, "tan-triggs": 0.05, "plane": 0.3, "dog": 0.2}

Pixels = npt.NDArray[np.uint8]


def lit_faces(color: str = "gray", persons: int = 4) -> Pixels:
    """uint8 (persons, emotions, lights, 48, 48, C): a person's faces differ in expression and light alone."""
    rng = np.random.default_rng(0)
    faces = []
    for _ in range(persons):
        person = sample_person(rng)
        for emotion in EMOTIONS:
            units = sample_units(rng, emotion)
            faces += [Face(person, units, light) for light in LIGHTS]
    pictures = draw_faces(faces, 48, color)
    return pictures.reshape(persons, len(EMOTIONS), len(LIGHTS), *pictures.shape[1:])


def light_share(faces: Pixels) -> float:
    """Variance of a pixel over the lights, as a multiple of its variance over the expressions."""
    return float(faces.var(axis=2).mean() / faces.var(axis=1).mean())


@pytest.fixture(scope="module")
def gray() -> Pixels:
    return lit_faces()


@pytest.fixture(scope="module")
def rgb() -> Pixels:
    return lit_faces("rgb")


def corrected(faces: Pixels, method: str) -> Pixels:
    return illuminate(faces.reshape(-1, *faces.shape[-3:]), method).reshape(faces.shape)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("color", ["gray", "rgb"])
def test_light_varies_less_against_expression_than_before(
    method: str, color: str, request: pytest.FixtureRequest
) -> None:
    faces = request.getfixturevalue(color)
    assert light_share(corrected(faces, method)) < LEFT[method] * light_share(faces)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_face_becomes_the_same_wherever_it_stands(method: str, channels: int) -> None:
    faces = noise_faces(70, 47, 45, channels)
    faces[33] = faces[69] = faces[2]
    before = faces.copy()
    out = illuminate(faces, method)
    assert (faces == before).all()
    assert out.shape == faces.shape
    assert out.dtype == np.uint8
    assert (out[33] == out[2]).all()
    assert (out[69] == out[2]).all()
    assert (illuminate(faces[69:], method)[0] == out[2]).all()
    assert not (out == faces).all()


@pytest.mark.parametrize("method", METHODS)
def test_faces_that_are_slices_of_others_are_corrected_like_copies(method: str) -> None:
    faces = noise_faces(5, 30, 30, 3)
    assert (illuminate(faces[::2, 3:, ::-1], method) == illuminate(faces[::2, 3:, ::-1].copy(), method)).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("shape", [(0, 8, 8, 1), (2, 1, 1, 3), (2, 1, 7, 1), (2, 5, 1, 1)])
def test_no_faces_and_tiny_ones(method: str, shape: tuple[int, int, int, int]) -> None:
    assert illuminate(np.full(shape, 9, np.uint8), method).shape == shape


@pytest.mark.parametrize("level", [0, 130, 255])
@pytest.mark.parametrize("method", METHODS)
def test_a_face_of_one_level_stays_flat(method: str, level: int) -> None:
    out = illuminate(np.full((1, 48, 48, 1), level, np.uint8), method)
    assert np.ptp(out) == 0


@pytest.mark.parametrize("method", ["equalize", "clahe", "gamma", "plane"])
def test_methods_that_keep_colour_do_to_luminance_what_they_do_to_grey(method: str) -> None:
    colours = np.random.default_rng(1).integers(100, 156, (4, 40, 40, 3), np.uint8)
    # Narrow colours leave room, so that YCrCb can be turned back without clipping.
    colours[..., 1:] = colours[..., :1] // 2 + 60 + colours[..., 1:] // 16
    luma = adapt(colours, (40, 40, 1))
    expected = illuminate(luma, method)
    out = illuminate(colours, method)
    inside = ((out > 0) & (out < 255)).all(3)
    assert inside.mean() > 0.5
    assert np.abs(adapt(out, (40, 40, 1))[inside].astype(int) - expected[inside]).max() <= 2
    chroma = [cv2.cvtColor(image[0], cv2.COLOR_RGB2YCrCb)[..., 1:].astype(int) for image in (colours, out)]
    assert np.abs(chroma[0] - chroma[1])[inside[0]].max() <= 2


@pytest.mark.parametrize("method", ["tan-triggs", "dog"])
def test_methods_of_local_contrast_make_rgb_grey(method: str) -> None:
    colours = noise_faces(3, 24, 24, 3)
    out = illuminate(colours, method)
    expected = illuminate(adapt(colours, (24, 24, 1)), method)
    assert (out == expected).all()


def test_equalize_spreads_levels_evenly() -> None:
    face = (np.arange(64 * 64).reshape(1, 64, 64, 1) // 64 + 40).astype(np.uint8)
    assert np.allclose(illuminate(face, "equalize")[0, :, 0, 0], np.linspace(0, 255, 64), atol=1)


def test_equalize_does_not_see_a_change_that_keeps_the_order() -> None:
    face = noise_faces(1, 32, 32, 1) // 2
    assert (illuminate(face, "equalize") == illuminate(face * 2, "equalize")).all()


def test_clahe_keeps_its_slope_below_the_limit_where_equalize_does_not() -> None:
    face = np.random.default_rng(0).normal(100, 2, (1, 64, 64, 1)).astype(np.uint8)
    deviations = {method: illuminate(face, method).std() for method in ("equalize", "clahe")}
    assert deviations["equalize"] > 60
    assert 2 * face.std() < deviations["clahe"] < (corrections.CLAHE_LIMIT + 1) * face.std()


def test_gamma_brings_every_mean_to_mid_grey() -> None:
    rng = np.random.default_rng(2)
    levels = rng.uniform(15, 215, (200, 1, 1, 1)) + rng.normal(0, 10, (200, 32, 32, 1))
    faces = np.clip(levels, 1, 254).astype(np.uint8)
    assert np.ptp(faces.mean((1, 2, 3))) > 180
    assert np.abs(illuminate(faces, "gamma").mean((1, 2, 3)) - 127.5).max() < 1


def test_gamma_of_a_face_that_is_nearly_black_has_a_limit() -> None:
    face = np.zeros((1, 20, 20, 1), np.uint8)
    face[0, :2] = 100
    assert illuminate(face, "gamma").max() == round(255 * (100 / 255) ** 0.1)


def test_gamma_equals_the_formula() -> None:
    face = np.full((1, 10, 10, 1), 64, np.uint8)
    face[:, :5] = 32
    (low,), (high,) = (np.unique(illuminate(face, "gamma")[0, rows]) for rows in (slice(5), slice(5, None)))
    exponent = np.log(high / 255) / np.log(64 / 255)
    assert low == pytest.approx(255 * (32 / 255) ** exponent, abs=1)
    assert (float(low) + float(high)) / 2 == pytest.approx(127.5, abs=1)


@pytest.mark.parametrize(("right", "down"), [(2.0, 0.0), (-1.0, 1.5), (0.0, -2.5)])
def test_plane_takes_a_ramp_away(right: float, down: float) -> None:
    y, x = np.mgrid[-24:24, -24:24]
    flat = np.random.default_rng(0).normal(128, 12, (1, 48, 48, 1))
    lit = flat + (right * x + down * y)[None, :, :, None]
    assert (lit >= 0).all()
    assert (lit <= 255).all()
    ours, even = (illuminate(np.rint(face).astype(np.uint8), "plane").astype(int) for face in (lit, flat))
    assert np.abs(ours - even).mean() < 4
    assert np.abs(illuminate(np.rint(lit).astype(np.uint8), "equalize") - even).mean() > 30


def test_tan_triggs_equals_the_paper_step_by_step() -> None:
    face = noise_faces(1, 40, 40, 1)
    x = (face[0, ..., 0] / 255.0) ** 0.2
    x = cv2.GaussianBlur(x, (7, 7), 1.0) - cv2.GaussianBlur(x, (13, 13), 2.0)
    y, z = np.mgrid[:40, :40] / 40 - 0.4875
    inside = y**2 + z**2 <= 0.56**2
    x[~inside] = 0
    x /= np.mean(np.abs(x[inside]) ** 0.1) ** 10
    x /= np.mean(np.minimum(np.abs(x[inside]), 10) ** 0.1) ** 10
    expected = 127.5 + 12.75 * 10 * np.tanh(x / 10)
    assert np.abs(illuminate(face, "tan-triggs")[0, ..., 0] - expected).max() < 1
    assert not inside[0, 0]
    assert inside[0, 20]


def test_dog_does_not_see_the_strength_of_the_light() -> None:
    dark = noise_faces(1, 40, 40, 1) // 4
    weak, strong = (illuminate(face, "dog").astype(int) for face in (dark, dark * 4))
    assert np.abs(weak - strong).max() <= 1
    assert weak.std() == pytest.approx(127.5 / corrections.DOG_SPAN, abs=1.5)


def test_images_of_another_kind_are_refused() -> None:
    for images in (np.zeros((2, 8, 8), np.uint8), np.zeros((2, 8, 8, 4), np.uint8), np.zeros((2, 8, 8, 1), np.float32)):
        with pytest.raises(ValueError, match=r"images: expected uint8 \(N, H, W, 1 or 3\)\. Received"):
            illuminate(images, "equalize")  # type: ignore[arg-type]


def test_an_unknown_method_is_refused_with_those_known() -> None:
    with pytest.raises(UsageError, match="unknown illumination correction 'tan_triggs': did you mean 'tan-triggs'"):
        illuminate(noise_faces(1), "tan_triggs")


def test_the_methods_of_a_list_of_steps_are_found_in_their_order() -> None:
    steps = [corrections.step("gamma"), {"name": "adapt", "shape": [48, 48, 1]}, corrections.step("clahe")]
    assert corrections.corrections(steps) == ("gamma", "clahe")
    assert corrections.corrections([]) == ()
