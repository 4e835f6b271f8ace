"""What every saliency method of the catalog keeps to, on a network whose evidence for each class is known."""

from __future__ import annotations

from functools import cache
from typing import Any

import keras
import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.saliency.base import Maps, Method
from tests.saliency.planted import SIDE, pictures, planted_network

KINDS: dict[str, type[Method]] = {name: catalog.find(catalog.SALIENCY, name, "method") for name in catalog.SALIENCY}
PICTURES = pictures()
#: Share of the mass that lies where the class is, which is a quarter of a picture; of the others 0.9.
SHARES = {"lime": 0.7, "rise": 0.75}
#: Methods that draw, with fewer samples than by default.
SAMPLES = {"smoothgrad": 8, "lime": 300, "rise": 400}


@cache
def network() -> Any:
    return planted_network()


@cache
def built(name: str) -> Method:
    return KINDS[name](network(), samples=SAMPLES.get(name))


@cache
def usual(name: str) -> Maps:
    return built(name).maps(PICTURES.images, PICTURES.classes)


@pytest.mark.parametrize("name", KINDS)
class TestEveryMethod:
    def test_its_mass_lies_where_the_evidence_is(self, name: str) -> None:
        share = PICTURES.share(KINDS[name].strength(usual(name)))
        assert share.min() >= SHARES.get(name, 0.9)

    def test_it_tells_what_is_there_for_one_class_from_what_is_there_for_another(self, name: str) -> None:
        other = KINDS[name].strength(built(name).maps(PICTURES.images, PICTURES.others))
        assert PICTURES.share(other).max() < PICTURES.share(KINDS[name].strength(usual(name))).min()

    def test_maps_are_float32_in_the_size_of_the_input(self, name: str) -> None:
        assert usual(name).dtype == np.float32
        assert usual(name).shape == (len(PICTURES.images), SIDE, SIDE)
        assert np.isfinite(usual(name)).all()
        assert (usual(name).min() < 0) == KINDS[name].signed

    def test_it_repeats_itself_and_leaves_network_and_faces_alone(self, name: str) -> None:
        weights, images = network().get_weights(), PICTURES.images.copy()
        said = network().predict(images, verbose=0)
        again = KINDS[name](network(), samples=SAMPLES.get(name)).maps(images, PICTURES.classes)
        np.testing.assert_array_equal(again, usual(name))
        np.testing.assert_array_equal(images, PICTURES.images)
        np.testing.assert_array_equal(network().predict(images, verbose=0), said)
        for before, after in zip(weights, network().get_weights(), strict=True):
            np.testing.assert_array_equal(after, before)

    def test_a_map_depends_on_its_face_alone(self, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(built(name), "batch_size", 3)
        rows = [4, 1, 0, 5]
        some = built(name).maps(PICTURES.images[rows], PICTURES.classes[rows])
        np.testing.assert_allclose(some, usual(name)[rows], atol=1e-4 * np.abs(usual(name)).max())

    def test_of_no_faces_there_are_no_maps(self, name: str) -> None:
        assert built(name).maps(PICTURES.images[:0], PICTURES.classes[:0]).shape == (0, SIDE, SIDE)

    def test_colour_and_any_height_and_width(self, name: str) -> None:
        keras.utils.set_random_seed(0)
        inputs = keras.Input((20, 28, 3))
        x = keras.layers.Conv2D(4, 3, activation="relu")(keras.layers.Rescaling(1 / 127.5, -1)(inputs))
        outputs = keras.layers.Dense(5, activation="softmax")(keras.layers.Flatten()(x))
        method = KINDS[name](keras.Model(inputs, outputs), samples=20)
        images = np.random.default_rng(0).uniform(0, 255, (2, 20, 28, 3)).astype(np.float32)
        maps = method.maps(images, np.array([0, 4]))
        assert maps.shape == (2, 20, 28)
        assert maps[0].std() > 0


@pytest.mark.parametrize("name", SAMPLES)
def test_another_seed_is_another_draw(name: str) -> None:
    otherwise = KINDS[name](network(), 1, samples=SAMPLES[name]).maps(PICTURES.images[:2], PICTURES.classes[:2])
    assert np.abs(otherwise - usual(name)[:2]).max() > 1e-3 * np.abs(usual(name)[:2]).max()


def test_only_a_method_that_takes_samples_can_be_told_how_many() -> None:
    assert KINDS["rise"](network(), samples=7).samples == 7
    assert KINDS["gradient"](network(), samples=7).samples == 1
