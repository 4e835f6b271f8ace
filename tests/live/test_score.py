from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import InputError
from fer_cli.live.score import FaceScorer, crop_settings
from fer_cli.models import LoadedModel, load_model
from tests.helpers import planted_faces, write_model


def test_faces_of_many_sizes_get_what_predict_gives_them(model: Path) -> None:
    loaded = load_model(model)
    labels = np.arange(5, dtype=np.uint8)
    faces = planted_faces(labels, channels=3)
    found = FaceScorer(loaded)([faces[0], faces[1].repeat(3, axis=0).repeat(3, axis=1), *faces[2:]])
    assert found.shape == (5, 7)
    assert found.dtype == np.float32
    assert found.argmax(1).tolist() == labels.tolist()
    grey = planted_faces(labels)
    assert np.allclose(FaceScorer(loaded)(list(grey)), loaded.probabilities(grey), atol=1e-6)


def test_the_network_is_called_as_a_compiled_function_and_never_by_predict(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = load_model(model)
    monkeypatch.setattr(type(loaded.network), "predict", None)
    score = FaceScorer(loaded)
    for count in (1, 2, 3, 5, 300):
        assert score(list(planted_faces(np.zeros(count, np.uint8)))).argmax(1).tolist() == [0] * count


def test_outputs_that_are_no_probabilities_are_refused(model: Path) -> None:
    import keras

    loaded = load_model(model)
    logits = keras.Model(loaded.network.inputs, loaded.network.get_layer("logits").output)
    broken = LoadedModel(model, logits, loaded.class_names, loaded.input_shape, {})
    with pytest.raises(InputError, match="expected outputs that are probabilities"):
        FaceScorer(broken)(list(planted_faces(np.zeros(2, np.uint8))))


def test_faces_are_cut_as_in_training(model: Path, tmp_path: Path) -> None:
    assert crop_settings(load_model(model)) == (0.0, True)
    step = {"name": "crop", "detector": "haar", "margin": 0.2, "align": False}
    other = write_model(tmp_path / "other.keras", transforms=[{"name": "resize"}, step])
    assert crop_settings(load_model(other)) == (0.2, False)
