"""Weight files of Keras in each of their layouts, read layer by layer."""

from __future__ import annotations

import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from fer_cli.errors import InputError
from fer_cli.store.weights import open_weights


def network() -> keras.Model:
    """Two layers, and two in a model within; batch normalisation has four weights, of which two are not trained."""
    inputs = keras.Input((4, 4, 1))
    x = layers.Conv2D(2, 3, name="first")(inputs)
    x = layers.BatchNormalization(name="norm")(x)
    x = keras.Sequential([layers.Dense(3, name="inner1"), layers.Dense(5, name="inner2")], name="nested")(x)
    return keras.Model(inputs, layers.Dropout(0.5, name="drop")(x))


def save(model: keras.Model, path: Path) -> None:
    """Save in the layout that the suffix stands for."""
    if path.name.endswith(".weights.h5"):
        model.save_weights(path)
    else:
        model.save(path)


@pytest.mark.parametrize("name", ["model.keras", "model.weights.h5", "model.h5"])
def test_every_layout_gives_the_same_layers(name: str, tmp_path: Path) -> None:
    model = network()
    save(model, tmp_path / name)
    expected = {layer.name: layer.get_weights() for layer in [*model.layers[1:3], *model.get_layer("nested").layers]}
    with open_weights(tmp_path / name) as stored:
        assert {layer.name for layer in stored} == set(expected)
        for layer in stored:
            assert layer.shapes == [value.shape for value in expected[layer.name]]
            for value, planted in zip(layer.read(), expected[layer.name], strict=True):
                np.testing.assert_array_equal(value, planted)


def test_layers_without_names_come_in_the_order_of_the_network(tmp_path: Path) -> None:
    path = tmp_path / "old.weights.h5"
    keras.Sequential([keras.Input((1,)), *(layers.Dense(width) for width in range(1, 13))]).save_weights(path)
    with h5py.File(path, "a") as file:
        for group in file["layers"].values():
            group["vars"].attrs.clear()
    with open_weights(path) as stored:
        assert [(layer.name, layer.kind, layer.shapes[1]) for layer in stored] == [
            ("", "dense", (width,)) for width in range(1, 13)
        ]


def test_names_that_keras_2_spreads_over_attributes(tmp_path: Path) -> None:
    path = tmp_path / "keras2.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names0"], file.attrs["layer_names1"] = [b"input", b"one"], [b"two"]
        for name in ("input", "one", "two"):
            file.create_group(name).attrs["weight_names"] = [] if name == "input" else [f"{name}/kernel:0".encode()]
        file["one/one/kernel:0"], file["two/two/kernel:0"] = np.zeros((1, 2)), np.ones((2, 3))
    with open_weights(path) as stored:
        assert [(layer.name, layer.kind, layer.shapes) for layer in stored] == [
            ("one", "", [(1, 2)]),
            ("two", "", [(2, 3)]),
        ]


def broken(path: Path) -> None:
    network().save_weights(path)
    path.write_bytes(path.read_bytes()[:-2000])


def without_its_weights(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [b"one"]


def holding_something_else(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros(3)


def some_archive(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no model")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "no such file"),
        (lambda path: path.write_text("text"), "not an HDF5 file"),
        (broken, "a damaged HDF5 file"),
        (without_its_weights, "a damaged weight file"),
        (holding_something_else, r"without weights of Keras layers \(it has images\)"),
        (some_archive, "not a model file of Keras 3"),
    ],
)
def test_what_cannot_be_read_is_told_in_a_line(make: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.weights.h5"
    make(path)  # type: ignore[operator]
    with pytest.raises(InputError, match=f"file.weights.h5: .*{message}") as raised, open_weights(path):
        pass
    assert "\n" not in str(raised.value)
