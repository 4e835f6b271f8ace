"""The network that ships with the package: whole, small, calibrated, and as good as its card says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from fer_cli import models, options
from fer_cli.labels import EMOTIONS
from fer_cli.models import LoadedModel

CARD = (options.SHIPPED_MODEL.parent / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def shipped() -> LoadedModel:
    return models.load_model(options.SHIPPED_MODEL)


def test_it_is_small_and_names_the_seven_emotions(shipped: LoadedModel) -> None:
    assert options.SHIPPED_MODEL.stat().st_size <= 4_000_000
    assert shipped.class_names == tuple(EMOTIONS)
    assert shipped.metadata["architecture"]["name"] == "mini"
    assert {"embedding", "logits", "probabilities"} <= {layer.name for layer in shipped.network.layers}


def test_it_gives_probabilities_that_depend_on_the_face(shipped: LoadedModel) -> None:
    images = np.random.default_rng(0).integers(0, 256, (3, *shipped.input_shape), np.uint8)
    probabilities = shipped.probabilities(images)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
    assert np.ptp(probabilities, axis=0).max() > 0


def test_its_metadata_say_what_it_learnt_and_name_no_folder_of_ours(shipped: LoadedModel) -> None:
    known = shipped.metadata
    assert known["precision"] == "float16"
    assert known["temperature"] > 0
    assert known["training"]["seed"] == 0
    assert not Path(known["dataset"]["path"]).is_absolute()


def test_the_card_gives_the_figures_of_the_file(shipped: LoadedModel) -> None:
    card = shipped.metadata["card"]
    low, high = card["accuracy_interval"]
    assert card["accuracy"] >= 0.66
    assert low < card["accuracy"] < high
    for figure in (card["accuracy"], low, high, shipped.metadata["temperature"]):
        assert re.search(rf"\b{figure:.4f}\b|\b{figure:.3f}\b", CARD), f"{figure:.4f} is not in the card"


def test_a_model_of_the_environment_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    assert options.default_model() == options.SHIPPED_MODEL
    monkeypatch.setenv("FER_MODEL", "mine.keras")
    assert options.default_model() == Path("mine.keras")
