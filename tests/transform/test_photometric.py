from collections.abc import Callable

import numpy as np
import pytest

from fer_cli.transform.parameters import Parameters, draw
from fer_cli.transform.photometric import add_noise, blur, erase, sharpen, tone, tone_tables
from fer_cli.transform.policy import parse_policy
from tests.transform.planted import noise_faces, still

FLAT = np.full((1, 100, 100, 3), 128, np.uint8)


@pytest.mark.parametrize("step", [blur, sharpen, tone, add_noise, erase])
def test_nothing_to_do_gives_the_faces_back(step: Callable[[np.ndarray, Parameters], np.ndarray]) -> None:
    faces = noise_faces(2)
    assert step(faces, still(2, faces.shape[1:])) is faces


def test_tables_equal_the_formula_step_by_step() -> None:
    n = 200
    rng = np.random.default_rng(3)
    parameters = draw(parse_policy("normalize:0.5 brightness:0.6 contrast:0.6 gamma:1"), n, (24, 24), rng)
    means, deviations = rng.uniform(20, 230, n), rng.uniform(5, 90, n)
    for row, table in enumerate(tone_tables(parameters, means, deviations)):
        level, mean = np.arange(256.0), means[row]
        if parameters.normalize[row]:
            level, mean = (level - mean) / deviations[row] * 63.75 + 127.5, 127.5
        level, mean = level * parameters.brightness[row], mean * parameters.brightness[row]
        level = (level - mean) * parameters.contrast[row] + mean
        level = 255 * (np.clip(level, 0, 255) / 255) ** parameters.gamma[row]
        np.testing.assert_allclose(table, level, atol=0.5 + 1e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_table_of_each_face_is_looked_up(channels: int) -> None:
    faces = noise_faces(3, channels=channels)
    parameters = draw(parse_policy("brightness contrast gamma"), 3, faces.shape[1:], np.random.default_rng(0))
    pixels = faces.reshape(3, -1)
    tables = tone_tables(parameters, pixels.mean(1), pixels.std(1))
    np.testing.assert_array_equal(tone(faces, parameters), np.stack([t[f] for t, f in zip(tables, faces, strict=True)]))


def test_brightness_multiplies_and_clips() -> None:
    face = np.array([10, 100, 200], np.uint8).reshape(1, 1, 3, 1)
    assert tone(face, still(1, face.shape[1:], brightness=2.0)).ravel().tolist() == [20, 200, 255]


def test_contrast_is_about_the_mean() -> None:
    face = np.array([90, 100, 110], np.uint8).reshape(1, 1, 3, 1)
    assert tone(face, still(1, face.shape[1:], contrast=0.5)).ravel().tolist() == [95, 100, 105]


def test_gamma_above_one_darkens() -> None:
    face = np.array([0, 128, 255], np.uint8).reshape(1, 1, 3, 1)
    assert tone(face, still(1, face.shape[1:], gamma=2.0)).ravel().tolist() == [0, 64, 255]


def test_normalize_brings_mean_and_deviation() -> None:
    dim = (noise_faces(1, 48, 48, 3) // 8 + 10).astype(np.uint8)
    normal = tone(dim, still(1, dim.shape[1:], normalize=True))
    assert normal.mean() == pytest.approx(127.5, abs=1)
    assert normal.std() == pytest.approx(63.75, abs=1)


def test_normalize_keeps_a_flat_face_flat() -> None:
    assert np.unique(tone(FLAT, still(1, FLAT.shape[1:], normalize=True))).tolist() == [128]


@pytest.mark.parametrize("sigma", [0.8, 1.5, 3.0])
def test_blur_has_the_deviation_asked(sigma: float) -> None:
    edge = np.zeros((1, 48, 48, 1), np.uint8)
    edge[:, :, 24:] = 255
    profile = np.diff(blur(edge, still(1, edge.shape[1:], blur=sigma))[0, 24, :, 0].astype(float))
    place = np.arange(47)
    mean = (place * profile).sum() / 255
    assert np.sqrt(((place - mean) ** 2 * profile).sum() / 255) == pytest.approx(sigma, rel=0.05)


def test_sharpness_blends_with_the_smoothed_face() -> None:
    faces = (noise_faces(1) // 4 + 90).astype(np.uint8)
    smooth, same, sharp = (sharpen(faces, still(1, faces.shape[1:], sharpness=f)).astype(int) for f in (0.0, 1.0, 2.0))
    inner = faces[0, 4:7, 9:12, 0].astype(float)
    assert smooth[0, 5, 10, 0] == pytest.approx((inner.sum() + 4 * inner[1, 1]) / 13, abs=0.51)
    np.testing.assert_array_equal(same, faces)
    np.testing.assert_allclose(sharp, 2 * faces.astype(int) - smooth, atol=1)


@pytest.mark.parametrize("deviation", [0.02, 0.1])
def test_noise_has_the_deviation_asked(deviation: float) -> None:
    noisy = add_noise(FLAT, still(1, FLAT.shape[1:], noise=deviation))[0] / 255
    assert noisy.std() == pytest.approx(deviation, rel=0.03)
    assert noisy.mean() == pytest.approx(128 / 255, abs=0.002)
    red, green, _ = noisy.reshape(-1, 3).T
    assert abs(np.corrcoef(red, green)[0, 1]) < 0.05


def test_noise_differs_between_faces_and_is_clipped() -> None:
    white = np.full((2, 48, 48, 1), 255, np.uint8)
    noisy = add_noise(white, still(2, white.shape[1:], noise=0.05))
    assert noisy.min() > 150
    assert (noisy[0] != noisy[1]).any()


def test_erasing_fills_its_box_and_nothing_else() -> None:
    top, left, bottom, right = 10, 20, 60, 90
    erased = erase(FLAT, still(1, FLAT.shape[1:], box=(top, left, bottom, right)))
    inside = np.zeros(FLAT.shape, bool)
    inside[:, top:bottom, left:right] = True
    assert (erased[~inside] == 128).all()
    assert erased[inside].mean() == pytest.approx(127.5, abs=3)
    assert erased[inside].std() == pytest.approx(255 / np.sqrt(12), abs=3)
