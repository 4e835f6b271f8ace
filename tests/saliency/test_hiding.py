"""Methods that hide parts: the views that they make, and what they find of a network that looks at one place."""

from __future__ import annotations

import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from fer_cli.saliency.base import absent
from fer_cli.saliency.hiding import Hiding
from fer_cli.saliency.occlusion import Occlusion, _windows
from fer_cli.saliency.rise import Rise
from fer_cli.saliency.superpixels import Lime, superpixels

SIDE = 24
#: What the network looks at.
PLACE = (slice(6, 12), slice(12, 18))


def looking(sign: float = 1.0) -> keras.Model:
    """The probability of class 1 rises with the brightness of PLACE: 0.5 at 128, about 1 at 255. sign: -1 to fall."""
    inputs = keras.Input((SIDE, SIDE, 1))
    logits = layers.Dense(2, name="logits")
    network = keras.Model(inputs, layers.Softmax()(logits(layers.Flatten()(layers.Rescaling(1 / 255, -0.5)(inputs)))))
    kernel = np.zeros((SIDE, SIDE, 2), np.float32)
    kernel[(*PLACE, 1)] = sign * 10 / 36
    logits.set_weights([kernel.reshape(-1, 2), np.zeros(2)])
    return network


def face() -> npt.NDArray[np.float32]:
    """Grey, with PLACE bright."""
    image = np.random.default_rng(0).uniform(100, 140, (1, SIDE, SIDE, 1)).astype(np.float32)
    image[0][PLACE] = 250
    return image


@pytest.mark.parametrize("kind", [Occlusion, Rise, Lime])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_what_lowers_the_class_is_below_0(kind: type[Hiding], sign: float) -> None:
    (found,) = kind(looking(sign)).maps(face(), np.array([1]))
    inside = np.zeros((SIDE, SIDE), bool)
    inside[PLACE] = True
    assert sign * found[inside].mean() > 10 * abs(found[~inside].mean())
    assert inside.ravel()[(sign * found).argmax()]


def test_the_two_classes_of_a_network_take_from_each_other() -> None:
    for kind in (Occlusion, Rise):
        one, other = kind(looking()).maps(np.repeat(face(), 2, 0), np.array([0, 1]))
        np.testing.assert_allclose(one, -other, atol=1e-5)


def test_occlusion_finds_the_fall_of_the_probability() -> None:
    # A window is 4 by 4; the one in the middle of PLACE takes 16 of its 36 pixels from 250 to the mean colour.
    image, network = face(), looking()
    covered = image.copy()
    covered[0, 8:12, 14:18] = absent(image)[0]
    whole, less = (network.predict(x, verbose=0)[0, 1] for x in (image, covered))
    (found,) = Occlusion(network).maps(image, np.array([1]))
    # The windows at the corner of PLACE cover it for a part, so that the mean is below.
    assert 0.5 * (whole - less) < found.max() <= 1.0001 * (whole - less)


def test_windows_cover_everything_and_reach_the_rim() -> None:
    windows = _windows(48, 30, 1 / 6)
    assert windows.sum(0).min() >= 1
    np.testing.assert_array_equal(np.unique(windows.sum((1, 2))), [8 * 5])
    assert len(np.unique(windows, axis=0)) == len(windows) == 11 * 14


def test_masks_of_rise_show_half_and_differ() -> None:
    masks = Rise(looking(), samples=300)._masks
    assert masks.shape == (300, SIDE, SIDE)
    assert masks.min() >= 0
    assert masks.max() <= 1
    np.testing.assert_allclose(masks.mean(0), 0.5, atol=0.1)
    # Soft edges, whose place changes from mask to mask.
    assert len(np.unique(masks[:20])) > 10


def test_superpixels_keep_to_what_they_show_and_to_their_place() -> None:
    labels = superpixels(face()[0], 16)
    assert set(np.unique(labels)) == set(range(labels.max() + 1))
    assert 12 <= labels.max() + 1 <= 16
    inside = set(labels[PLACE].ravel())
    outside = np.ones((SIDE, SIDE), bool)
    outside[PLACE] = False
    assert not inside & set(labels[outside])
    for label in range(labels.max() + 1):
        rows, columns = np.nonzero(labels == label)
        assert max(np.ptp(rows), np.ptp(columns)) <= SIDE * 2 / 3


def test_superpixels_of_an_even_face_are_a_grid() -> None:
    labels = superpixels(np.full((24, 36, 3), 128, np.float32), 6)
    expected = np.arange(24)[:, None] // 12 * 3 + np.arange(36) // 12
    np.testing.assert_array_equal(labels, expected)
