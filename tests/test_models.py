"""Model files: what goes in comes out, and what cannot be used is told in one line."""

from __future__ import annotations

import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_cli import models
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS
from tests import helpers


def test_a_model_and_its_metadata_survive_the_disk(model: Path) -> None:
    loaded = models.load_model(model)
    assert loaded.class_names == EMOTIONS
    assert loaded.input_shape == (helpers.SIDE, helpers.SIDE, 1)
    assert loaded.metadata["architecture"] == {"name": "planted"}
    labels = np.arange(7, dtype=np.uint8)
    outputs = loaded.probabilities(helpers.planted_faces(labels))
    assert outputs.dtype == np.float32
    np.testing.assert_array_equal(outputs.argmax(1), labels)


def test_keras_alone_can_load_it(model: Path) -> None:
    assert keras.saving.load_model(model).output_shape == (None, 7)


def test_the_optimizer_stays_out_of_the_file(tmp_path: Path) -> None:
    network = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2, name="logits")])
    network.compile("adam", "mse")
    network.fit(np.ones((4, 4)), np.ones((4, 2)), verbose=0)
    models.save_model(network, tmp_path / "net.keras", {"class_names": ["a", "b"], "input_shape": [4]})
    saved = keras.saving.load_model(tmp_path / "net.keras")
    assert not saved.compiled
    np.testing.assert_array_equal(saved.get_layer("logits").kernel, network.get_layer("logits").kernel)


class TestAnyonesOwnModel:
    @pytest.fixture
    def foreign(self, tmp_path: Path) -> Path:
        network = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(2)])
        network.save(tmp_path / "foreign.keras")
        return tmp_path / "foreign.keras"

    def test_it_works_when_the_classes_are_named(self, foreign: Path) -> None:
        loaded = models.load_model(foreign, ["happy", "sad"])
        assert loaded.class_names == ("happy", "sad")
        assert loaded.metadata == {}

    def test_without_names_it_asks_for_them(self, foreign: Path) -> None:
        with pytest.raises(InputError, match="does not say what its outputs mean; name them with --classes"):
            models.load_model(foreign)

    def test_too_many_names(self, foreign: Path) -> None:
        with pytest.raises(InputError, match=r"expected 2 class names, one an output\. Received: a, b, c"):
            models.load_model(foreign, ["a", "b", "c"])


class TestRefusals:
    def test_a_missing_file(self) -> None:
        with pytest.raises(InputError, match=r"absent\.keras: no such model file"):
            models.load_model(Path("absent.keras"))

    def test_a_file_of_another_kind(self, tmp_path: Path) -> None:
        path = tmp_path / "text.keras"
        path.write_text("hello")
        with pytest.raises(InputError, match=r"text\.keras: not a Keras 3 model file"):
            models.load_model(path)

    def test_a_model_cut_short(self, model: Path) -> None:
        model.write_bytes(model.read_bytes()[:2000])
        with pytest.raises(InputError, match="not a Keras 3 model file"):
            models.load_model(model)

    def test_a_model_without_weights(self, model: Path, tmp_path: Path) -> None:
        path = tmp_path / "hollow.keras"
        with zipfile.ZipFile(model) as old, zipfile.ZipFile(path, "w") as new:
            for name in old.namelist():
                if not name.endswith(".h5"):
                    new.writestr(name, old.read(name))
        with pytest.raises(InputError, match=r"hollow\.keras: Keras cannot load it"):
            models.load_model(path)

    def test_a_lambda_layer_runs_no_code(self, tmp_path: Path) -> None:
        marker = tmp_path / "ran"
        inputs = keras.Input((4,))
        outputs = keras.layers.Lambda(lambda x, path=str(marker): (__import__("pathlib").Path(path).touch(), x)[1])(
            inputs
        )
        marker.unlink()
        keras.Model(inputs, outputs).save(tmp_path / "hostile.keras")
        with pytest.raises(InputError, match=r"hostile\.keras: Keras cannot load it"):
            models.load_model(tmp_path / "hostile.keras", ["a", "b", "c", "d"])
        assert not marker.exists()

    def test_metadata_without_classes_is_a_fault_of_the_caller(self, tmp_path: Path) -> None:
        network = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        with pytest.raises(ValueError, match="Missing: class_names"):
            models.save_model(network, tmp_path / "net.keras", {"input_shape": [2]})
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("offset", [-1.0, [1.0, 2.0, 3.0], np.array([1.0, 2.0, 3.0])], ids=["number", "list", "array"])
def test_the_scaling_of_a_models_input_is_read_from_its_file(offset: object, tmp_path: Path) -> None:
    inputs = keras.Input((4, 4, 3))
    keras.Model(inputs, keras.layers.Rescaling(0.5, offset, name="scale")(inputs)).save(tmp_path / "scaled.keras")
    ((name, (scale, read)),) = models.input_scalings(tmp_path / "scaled.keras").items()
    assert (name, scale) == ("scale", 0.5)
    np.testing.assert_array_equal(read, offset)


def test_the_scaling_of_what_is_no_model_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "notes.keras").write_text("notes")
    with pytest.raises(InputError, match=r"notes.keras: not a Keras 3 model file"):
        models.input_scalings(tmp_path / "notes.keras")
