"""Corruptions: one contract for all of the catalog, and for each that it does what it says."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fer_cli import catalog
from fer_cli.datasets.facs.action_units import sample_units
from fer_cli.datasets.facs.draw import draw_faces
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import sample_scene
from fer_cli.errors import UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.transform import corrupt_blur, corrupt_digital, corrupt_noise, corrupt_occlude, corrupt_tone
from fer_cli.transform.corrupt import SEVERITIES, Corruption, choose
from fer_cli.transform.corrupt_weather import fog, plasma, snow
from tests.transform.planted import dot, noise_faces, place_of

Pixels = npt.NDArray[np.uint8]

KINDS = tuple(catalog.CORRUPTIONS)
GREY = np.full((1, 100, 100, 1), 128, np.uint8)


def find(name: str) -> Corruption:
    found: Corruption = catalog.find(catalog.CORRUPTIONS, name, "corruption")
    return found


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


@pytest.fixture(scope="module")
def faces() -> dict[int, Pixels]:
    """Drawn faces by their number of channels; persons, expressions and scenes differ."""
    generator = np.random.default_rng(0)
    drawn = [
        Face(sample_person(generator), sample_units(generator, emotion), sample_scene(generator))
        for emotion in EMOTIONS * 2
    ]
    return {1: draw_faces(drawn, 48, "gray"), 3: draw_faces(drawn, 48, "rgb")}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("name", KINDS)
def test_contract(name: str, channels: int, faces: dict[int, Pixels]) -> None:
    corrupt, images = find(name), faces[channels]
    if corrupt.color and channels == 1:
        with pytest.raises(ValueError, match=r"images: expected RGB\. Received: grey"):
            corrupt(images, 1, rng())
        return
    before = images.copy()
    far = {}
    for severity in SEVERITIES:
        out = corrupt(images, severity, rng())
        assert (out.dtype, out.shape) == (np.uint8, images.shape)
        assert not np.shares_memory(out, images)
        np.testing.assert_array_equal(out, corrupt(images, severity, rng()))
        far[severity] = np.abs(out.astype(int) - images).mean()
    np.testing.assert_array_equal(images, before)
    assert far[5] >= far[1] > 0
    other = corrupt(images, 3, np.random.default_rng(8))
    assert (other != corrupt(images, 3, rng())).any() == corrupt.chance
    assert corrupt.__doc__


@pytest.mark.parametrize("name", KINDS)
def test_any_shape_of_face_can_be_corrupted(name: str) -> None:
    for height, width in ((40, 64), (97, 50)):
        images = noise_faces(3, height, width, 3)
        for severity in (1, 5):
            assert find(name)(images, severity, rng()).shape == images.shape
    strided = noise_faces(6, 40, 40, 3)[::2, :, ::-1]
    np.testing.assert_array_equal(find(name)(strided, 2, rng()), find(name)(strided.copy(), 2, rng()))


def test_what_cannot_be_corrupted_is_refused() -> None:
    with pytest.raises(ValueError, match=r"severity: expected 1 to 5\. Received: 6"):
        corrupt_tone.contrast(GREY, 6, rng())
    for images in (GREY[0], GREY.astype(np.float32), np.zeros((1, 8, 8, 2), np.uint8)):
        with pytest.raises(ValueError, match=r"images: expected uint8 \(N, H, W, 1 or 3\)\. Received: "):
            corrupt_tone.contrast(images, 1, rng())


def test_kinds_are_chosen_by_name_in_the_order_of_the_catalog() -> None:
    assert list(choose(["fog", "shot-noise", "fog"], 1)) == ["shot-noise", "fog"]
    assert list(choose(["all", "fog"], 3)) == list(KINDS)
    assert set(KINDS) - set(choose(["all"], 1)) == {"saturate"}
    assert choose([], 1) == {}
    with pytest.raises(UsageError, match=r"--kind saturate changes colour alone: expected RGB images\. Received: grey"):
        choose(["all", "saturate"], 1)
    with pytest.raises(UsageError, match="unknown corruption 'fogg': did you mean 'fog'"):
        choose(["fogg"], 1)


@pytest.mark.parametrize("variance", [0.001, 0.01])
def test_gaussian_noise_has_its_variance_and_no_mean(variance: float) -> None:
    out = corrupt_noise.gaussian_noise.apply(GREY, variance**0.5, rng()).astype(float) - 128
    # 10,000 pixels: the mean is off by 1 % of the deviation; rounding to levels adds 1/12.
    assert abs(out.mean()) < 4 * 255 * variance**0.5 / 100
    assert out.var() == pytest.approx(255**2 * variance + 1 / 12, rel=0.06)


def test_shot_noise_grows_with_the_light() -> None:
    for level in (40, 160):
        out = corrupt_noise.shot_noise.apply(np.full_like(GREY, level), 100, rng())
        assert out.mean() == pytest.approx(level, rel=0.02)
        assert out.var() == pytest.approx(level * 255 / 100, rel=0.08)


def test_impulse_noise_is_black_or_white() -> None:
    out = corrupt_noise.impulse_noise.apply(GREY, 0.2, rng())
    levels, counts = np.unique(out, return_counts=True)
    assert levels.tolist() == [0, 128, 255]
    np.testing.assert_allclose(counts / out.size, [0.1, 0.8, 0.1], atol=0.012)


def test_speckle_noise_multiplies() -> None:
    for level in (0, 50, 100):
        out = corrupt_noise.speckle_noise.apply(np.full_like(GREY, level), 0.3, rng())
        assert out.std() == pytest.approx(0.3 * level, rel=0.05)


@pytest.mark.parametrize("side", [64, 128])
def test_a_disk_has_its_radius_in_pixels_of_the_face(side: int) -> None:
    assert corrupt_blur.disk(4 * side / 64, 1e-3).sum() == pytest.approx(1, abs=1e-5)
    out = corrupt_blur.defocus_blur.apply(dot(side, side, side // 2, side // 2), (4, 1e-3), rng())[0, ..., 0]
    lit = np.argwhere(out) - side // 2
    assert np.sqrt((lit**2).sum(1)).max() == pytest.approx(4 * side / 64, abs=1)


def test_movement_smears_a_dot_along_its_direction() -> None:
    for angle in (-40.0, 0.0, 30.0):
        (kernel,) = corrupt_blur.streaks(np.array([angle]), 12, 4)
        middle = len(kernel) // 2
        rows, columns = np.indices(kernel.shape) - middle
        assert kernel.sum() == pytest.approx(1, abs=1e-5)
        direction = np.rad2deg(np.arctan2(-(kernel * rows).sum(), (kernel * columns).sum()))
        assert direction == pytest.approx(angle, abs=1)
        across = rows * np.cos(np.deg2rad(angle)) + columns * np.sin(np.deg2rad(angle))
        assert (kernel * across**2).sum() < 0.4


def test_a_zoom_moves_what_is_off_the_middle_outwards() -> None:
    out = corrupt_blur.zoom_blur.apply(dot(65, 65, 52, 32), 0.5, rng())
    x, y = place_of(out)
    assert 54 < x < 62
    assert y == pytest.approx(32, abs=0.3)


def test_glass_exchanges_pixels_with_near_ones() -> None:
    image = np.arange(900).reshape(1, 30, 30, 1) % 251
    faces = np.repeat(image, 4, 0).astype(np.uint8)
    out = corrupt_blur.glass_blur.apply(faces, (0.0, 2, 1), rng())
    np.testing.assert_array_equal(np.sort(out.reshape(4, -1)), np.sort(faces.reshape(4, -1)))
    assert (out != faces).mean() > 0.5
    assert (out[0] != out[1]).any()


def test_fog_keeps_the_brightest_level_and_lifts_black() -> None:
    face = np.full((4, 48, 48, 1), 20, np.uint8)
    face[:, 10:12] = 180
    out = fog(face, 4, rng())
    assert out.max() <= 180
    assert out[:, 20:].mean() > 40
    assert fog(np.zeros((1, 8, 8, 1), np.uint8), 5, rng()).max() == 0


def test_clouds_are_coarser_where_detail_decays_faster() -> None:
    roughness = {}
    for decay in (1.3, 3.0):
        clouds = plasma(20, 48, decay, rng())
        assert clouds.shape == (20, 64, 64)
        assert (clouds.min((1, 2)) == 0).all()
        assert (clouds.max((1, 2)) == 1).all()
        roughness[decay] = np.abs(np.diff(clouds, axis=2)).mean() / clouds.std()
    assert roughness[1.3] > 2 * roughness[3.0]


def test_snow_whitens_and_falls_more_steeply_than_it_drifts() -> None:
    face = np.full((60, 48, 48, 1), 60, np.uint8)
    out = snow(face, 2, rng()).astype(float)[..., 0]
    assert out.mean() > 75
    assert np.abs(np.diff(out, axis=2)).mean() > 1.5 * np.abs(np.diff(out, axis=1)).mean()


def test_brightness_is_added_to_the_value_and_keeps_the_hue() -> None:
    np.testing.assert_array_equal(corrupt_tone.brightness(GREY, 2, rng()), GREY + 51)
    assert (corrupt_tone.brightness(np.zeros_like(GREY), 1, rng()) == 26).all()
    color = np.array([100, 50, 25], np.uint8).reshape(1, 1, 1, 3)
    assert corrupt_tone.brightness.apply(color, 100 / 255, rng()).ravel().tolist() == [200, 100, 50]
    assert corrupt_tone.brightness.apply(color, 0.9, rng()).ravel().tolist() == [255, 128, 64]


def test_contrast_is_about_the_mean() -> None:
    face = np.array([90, 100, 110], np.uint8).reshape(1, 1, 3, 1)
    assert corrupt_tone.contrast(face, 1, rng()).ravel().tolist() == [96, 100, 104]


def test_saturation_goes_and_comes() -> None:
    color = np.array([200, 100, 100], np.uint8).reshape(1, 1, 1, 3)
    assert corrupt_tone.saturate.apply(color, (0.0, 0.0), rng()).ravel().tolist() == [200, 200, 200]
    assert corrupt_tone.saturate.apply(color, (2.0, 0.0), rng()).ravel().tolist() == [200, 0, 0]


def test_elastic_moves_pixels_and_changes_no_level() -> None:
    np.testing.assert_array_equal(corrupt_digital.elastic(GREY, 5, rng()), GREY)
    x, y = place_of(corrupt_digital.elastic(dot(48, 48, 24, 24), 1, rng()))
    assert 0 < np.hypot(x - 24, y - 24) < 4


def test_coarse_pixels_are_squares_of_one_level() -> None:
    out = corrupt_digital.pixelate(noise_faces(2, 48, 48, 3), 5, rng())
    np.testing.assert_array_equal(out, np.repeat(np.repeat(out[:, ::2, ::2], 2, 1), 2, 2))


def test_jpeg_keeps_the_order_of_the_channels() -> None:
    color = np.tile(np.array([200, 90, 30], np.uint8), (1, 16, 16, 1))
    assert np.abs(corrupt_digital.jpeg(color, 5, rng()).astype(int) - color).max() <= 6


def test_a_patch_hides_one_rectangle() -> None:
    out = corrupt_occlude.patch.apply(np.repeat(GREY, 9, 0), 0.3, rng())
    places = set()
    for face in out[..., 0]:
        rows, columns = np.nonzero(face != 128)
        places.add((rows.min(), columns.min()))
        assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (30, 30)
    assert len(places) > 5


def test_glasses_hide_the_eyes_and_masks_the_mouth() -> None:
    lenses, cloth = corrupt_occlude.sunglasses(GREY, 5, rng()), corrupt_occlude.mask(GREY, 5, rng())
    for x, y in corrupt_occlude.EYES:
        assert lenses[0, round(100 * y), round(100 * x), 0] == 0
        assert cloth[0, round(100 * y), round(100 * x), 0] == 128
    assert (lenses[0, 60:] == 128).all()
    assert (cloth[0, 79, 35:68] != 128).all()
    weak = corrupt_occlude.sunglasses.apply(GREY, 0.5, rng())
    assert weak[0, 40, 31, 0] == 64


@settings(max_examples=120)
@given(
    st.sampled_from(KINDS),
    st.sampled_from(SEVERITIES),
    st.tuples(st.integers(0, 3), st.integers(8, 70), st.integers(8, 70), st.sampled_from((1, 3))),
    st.sampled_from(("black", "white", "noise")),
)
def test_any_severity_of_any_picture_is_a_picture(
    kind: str, severity: int, shape: tuple[int, int, int, int], content: str
) -> None:
    found = find(kind)
    if found.color:
        shape = (*shape[:3], 3)
    images = noise_faces(*shape) if content == "noise" else np.full(shape, 255 * (content == "white"), np.uint8)
    before = images.copy()
    out = found(images, severity, rng())
    assert (out.shape, out.dtype) == (images.shape, np.uint8)
    np.testing.assert_array_equal(images, before)
    np.testing.assert_array_equal(found(images, severity, rng()), out)
