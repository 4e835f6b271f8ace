"""A network's inside by the names that a user gives."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from fer_cli.analysis.saliency import inside
from fer_cli.errors import UsageError
from fer_cli.models import LoadedModel
from fer_cli.saliency.maximize import STEPS
from tests.tiny import tiny

NAMES = ("happy", "sad", "neutral")


@pytest.fixture(scope="module")
def model() -> LoadedModel:
    keras.utils.set_random_seed(1)
    return LoadedModel(Path("none.keras"), tiny((12, 12, 1), 3), NAMES, (12, 12, 1), {})


def test_one_layer_or_all_that_fit_can_be_named(model: LoadedModel) -> None:
    network, faces = model.network, np.zeros((2, 12, 12, 1), np.uint8)
    assert list(inside.learned_filters(network, inside.ALL)) == ["blocks"]
    assert inside.learned_filters(network, "blocks")["blocks"].shape == (4, 6, 6, 1)
    shapes = {name: maps.shape for name, maps in inside.activation_maps(network, [inside.ALL], faces).items()}
    assert shapes == {"rescaling": (2, 12, 12, 1), "blocks_bn": (2, 2, 2, 4)}
    assert list(inside.activation_maps(network, ["blocks", "blocks"], faces)) == ["blocks"]


def test_filters_of_one_pixel_are_drawn_where_they_are_named_or_there_are_no_others() -> None:
    inputs = keras.Input((6, 6, 1))
    mixing = keras.layers.Conv2D(2, 1, name="mixing")(inputs)
    alone = keras.Model(inputs, mixing)
    both = keras.Model(inputs, keras.layers.Conv2D(3, 3, name="edges")(mixing))
    assert list(inside.learned_filters(alone, inside.ALL)) == ["mixing"]
    assert list(inside.learned_filters(both, inside.ALL)) == ["edges"]
    assert list(inside.learned_filters(both, "mixing")) == ["mixing"]


def test_an_image_excites_the_class_of_its_name_whether_alone_or_among_all(model: LoadedModel) -> None:
    done: list[int] = []
    every = inside.excite(model, inside.ALL, 0, done.append)
    assert (every.class_names, every.images.shape) == (list(NAMES), (3, 12, 12, 1))
    assert sum(done) == STEPS
    said = model.probabilities(every.images)
    assert said.argmax(0).tolist() == [0, 1, 2]  # no image makes a class more probable than its own
    assert every.probabilities == pytest.approx(said.diagonal().tolist())
    alone = inside.excite(model, "Sadness", 0)
    assert alone.class_names == ["sad"]
    assert (alone.images[0] == every.images[1]).all()
    with pytest.raises(UsageError, match="--maximize: unknown class 'hapy': did you mean 'happy'"):
        inside.excite(model, "hapy", 0)
