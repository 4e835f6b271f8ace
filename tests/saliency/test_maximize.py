"""Images that excite a class, on the network that looks for a bright block at a known place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from fer_cli.models import load_model, probabilities
from fer_cli.saliency.maximize import Regularisation, maximize, maximize_each
from tests import helpers

#: Moderate, since a linear network's wish for brightness has no end.
STILL = Regularisation(rate=2, decay=0.05, jitter=0, mirror=False)


def test_the_image_is_bright_where_the_class_is_looked_for(model: Path) -> None:
    network = load_model(model).network
    images = maximize_each(network, [0, 3, 6], steps=40, regularisation=STILL)
    assert (images.shape, images.dtype) == ((3, helpers.SIDE, helpers.SIDE, 1), np.uint8)
    np.testing.assert_array_equal(probabilities(network, images).argmax(1), [0, 3, 6])
    for image, label in zip(images, (0, 3, 6), strict=True):
        block = image[helpers.place(label)]
        assert block.mean() > image.mean() + 60
        assert probabilities(network, image[None])[0, label] > 0.7


def test_one_is_as_when_found_among_others_and_depends_on_the_seed_alone(model: Path) -> None:
    network = load_model(model).network
    alone = maximize(network, 3, seed=1, steps=5)
    np.testing.assert_array_equal(alone, maximize_each(network, [0, 3], seed=1, steps=5)[1])
    assert (alone != maximize(network, 3, seed=2, steps=5)).any()


def test_total_variation_takes_the_noise_of_the_start_away(model: Path) -> None:
    network = load_model(model).network
    rough, smooth = (
        maximize(network, 3, steps=40, regularisation=replace(STILL, decay=0, variation=weight)).astype(float)
        for weight in (0.0, 1.0)
    )
    # Far from the block nothing but the start makes one pixel other than the next.
    edges = [np.abs(np.diff(image[12:, :12], axis=0)).mean() for image in (rough, smooth)]
    assert edges[1] < 0.7 * edges[0]


def test_decay_keeps_what_the_class_does_not_need_grey(model: Path) -> None:
    network = load_model(model).network
    free, held = (
        maximize(network, 3, steps=40, regularisation=replace(STILL, decay=part)).astype(float) for part in (0.0, 0.05)
    )
    assert np.abs(held[12:] - 127.5).mean() < 0.7 * np.abs(free[12:] - 127.5).mean()


def test_every_step_is_told(model: Path) -> None:
    done: list[int] = []
    maximize(load_model(model).network, 0, steps=3, advance=done.append)
    assert done == [1, 1, 1]


def test_an_image_outlasts_being_shifted(model: Path) -> None:
    network = load_model(model).network
    jittered = maximize(network, 3, steps=60, regularisation=replace(STILL, jitter=2))
    shifts = [np.roll(jittered, (down, right), (0, 1)) for down in (-2, 0, 2) for right in (-2, 0, 2)]
    assert probabilities(network, np.stack(shifts)).argmax(1).tolist() == [3] * 9
    assert probabilities(network, np.stack(shifts))[:, 3].min() > 0.5
