"""Weights of another training arrive where they belong, and the report says what did not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path

import h5py
import keras
import numpy as np
import numpy.typing as npt
import pytest
from keras import layers

from fer_cli.errors import InputError
from fer_cli.training.initialise import initialise
from tests.tiny import tiny

#: Convolutions of each block of VGG16.
VGG16 = (2, 2, 3, 3, 3)
IMAGENET_MEANS, VGG_FACE_MEANS = (103.939, 116.779, 123.68), (93.5940, 104.7624, 129.1863)


def embedding(network: keras.Model, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    inner = keras.Model(network.inputs[0], network.get_layer("embedding").output)
    return keras.ops.convert_to_numpy(inner(images))


def faces(channels: int = 1) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (3, 24, 24, channels), np.uint8)


@pytest.mark.parametrize("name", ["source.keras", "source.weights.h5", "source.h5"])
def test_all_but_the_logits_of_another_number_of_classes_is_loaded(name: str, tmp_path: Path) -> None:
    source, network = tiny((24, 24, 1), 5), tiny((24, 24, 1), 7)
    source.layers[2].set_weights([value + 0.5 for value in source.layers[2].get_weights()])  # statistics, too
    save = source.save_weights if ".weights." in name else source.save
    save(tmp_path / name)
    assert not np.allclose(embedding(network, faces()), embedding(source, faces()))
    loaded = initialise(network, name, "tiny")
    np.testing.assert_allclose(embedding(network, faces()), embedding(source, faces()), rtol=1e-5)
    assert loaded.layers == ("blocks", "blocks_bn", "embedding")
    assert loaded.fresh == {"logits": "16×7 here, 16×5 in the file"}
    share = math.floor(1000 * (1 - (16 * 7 + 7) / network.count_params())) / 10
    assert loaded.describe() == (
        f"{name}: loaded 3 of 4 layers by name, {share} % of the weights; new: logits (16×7 here, 16×5 in the file)"
    )
    assert loaded.as_dict()["layers"] == ["blocks", "blocks_bn", "embedding"]


def chain(names: Sequence[str], widths: Sequence[int], channels: int = 1, offset: float = 0.0) -> keras.Model:
    """1×1 convolutions of some names and widths."""
    inputs = keras.Input((24, 24, channels))
    x = layers.Rescaling(1 / 255, offset, name="rescaling")(inputs)
    for name, width in zip(names, widths, strict=True):
        x = layers.Conv2D(width, 1, bias_initializer="uniform", name=name)(x)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    return keras.Model(inputs, layers.Dense(2, name="logits")(x))


def test_the_report_tells_other_shapes_missing_layers_and_left_ones_apart(tmp_path: Path) -> None:
    chain(["a", "b", "c"], [4, 4, 4]).save_weights("source.weights.h5")
    loaded = initialise(chain(["a", "b", "d"], [4, 8, 4]), "source.weights.h5", "chain")
    assert loaded.fresh == {"b": "1×1×4×8 here, 1×1×4×4 in the file", "d": "not in the file"}
    assert loaded.unused == ("c",)
    assert loaded.describe().endswith(
        "; new: b (1×1×4×8 here, 1×1×4×4 in the file); new, not in the file: d; left in the file: c"
    )


def test_the_number_that_keras_puts_behind_a_name_does_not_matter(tmp_path: Path) -> None:
    source = chain(["a", "normalization_7"], [4, 3])
    source.save_weights("source.weights.h5")
    network = chain(["a", "normalization"], [4, 3])
    assert initialise(network, "source.weights.h5", "chain").fresh == {}
    np.testing.assert_array_equal(embedding(network, faces()), embedding(source, faces()))


@pytest.mark.parametrize("rename", [False, True])
def test_a_body_without_common_names_is_matched_by_order(rename: bool, tmp_path: Path) -> None:
    source = chain(["x", "y", "z"], [4, 3, 5])
    path = tmp_path / "source.weights.h5"
    source.save_weights(path)
    if rename:
        with h5py.File(path, "a") as file:  # a file of Keras 3.8 and before has no names
            for group in file["layers"].values():
                group["vars"].attrs.clear()
    network = chain(["a", "b"], [4, 3])
    loaded = initialise(network, str(path), "chain")
    assert (loaded.matched, loaded.layers, loaded.fresh) == ("by order", ("a", "b"), {"logits": "not in the file"})
    for mine, theirs in (("a", "x"), ("b", "y")):
        np.testing.assert_array_equal(
            network.get_layer(mine).get_weights()[0], source.get_layer(theirs).get_weights()[0]
        )


def test_order_never_loads_a_part_of_a_body(tmp_path: Path) -> None:
    chain(["x", "y"], [4, 6]).save_weights("source.weights.h5")
    with pytest.raises(
        InputError, match=r"source.weights.h5: no layer of it fits chain \(logits: 3×2 here, 6×2 in the"
    ):
        initialise(chain(["a", "b"], [4, 3]), "source.weights.h5", "chain")


@pytest.mark.parametrize(("there", "here"), [(1, 3), (3, 1)])
def test_a_first_convolution_changes_between_grey_and_colour(there: int, here: int, tmp_path: Path) -> None:
    source, network = chain(["a", "b"], [4, 3], there), chain(["a", "b"], [4, 3], here)
    source.save_weights("source.weights.h5")
    loaded = initialise(network, "source.weights.h5", "chain")
    assert loaded.notes == (f"a was fitted to the colours of the images: 1×1×{here}×4 here, 1×1×{there}×4 in the file",)
    grey = faces()
    mine, theirs = (np.repeat(grey, channels, axis=3) for channels in (here, there))
    np.testing.assert_allclose(embedding(network, mine), embedding(source, theirs), rtol=1e-4, atol=1e-5)


def test_a_model_file_brings_the_scaling_of_its_input_along(tmp_path: Path) -> None:
    source, network = chain(["a"], [4], offset=-3.0), chain(["a"], [4])
    source.save("source.keras")
    loaded = initialise(network, "source.keras", "chain")
    assert loaded.notes == ("the input is scaled as in source.keras",)
    np.testing.assert_allclose(embedding(network, faces()), embedding(source, faces()), rtol=1e-5)
    network.save("again.keras")
    again = keras.saving.load_model("again.keras")
    np.testing.assert_allclose(embedding(again, faces()), embedding(source, faces()), rtol=1e-5)


def vgg(name: str, means: Sequence[float]) -> keras.Model:
    """VGG16 with two channels throughout and names made of `name`, less the means of blue, green and red."""
    inputs = keras.Input((32, 32, 3))
    x = layers.Rescaling(1.0, [-mean for mean in means], name="preprocessing")(inputs[..., ::-1])
    for block, convolutions in enumerate(VGG16, 1):
        for number in range(1, convolutions + 1):
            convolution = layers.Conv2D(2, 3, padding="same", activation="relu", name=name.format(block, number))
            convolution.bias_initializer = keras.initializers.Constant(0.1)
            x = convolution(x)
        x = layers.MaxPooling2D(name=f"pool{block}")(x)
    x = layers.GlobalAveragePooling2D(name="embedding")(x)
    return keras.Model(inputs, layers.Dense(7, name="logits")(x))


def by_name(path: Path, source: keras.Model) -> None:
    """The layout of rcmalli_vggface_tf_notop_vgg16.h5."""
    write_keras2(
        path, [(layer.name, layer.get_weights()) for layer in source.layers if layer.name[:4] in ("conv", "pool")]
    )


def in_sequence(path: Path, source: keras.Model) -> None:
    """The layout of vgg_face_weights.h5: paddings between, dense layers as convolutions, 2,622 people at last."""
    content: list[tuple[str, list[npt.NDArray[np.float32]]]] = []
    for number, layer in enumerate((layer for layer in source.layers if layer.name.startswith("conv")), 1):
        content += [(f"zero_padding2d_{number}", []), (f"conv2d_{number}", layer.get_weights())]
    content.append(("conv2d_14", [np.zeros((7, 7, 2, 3), np.float32), np.zeros(3, np.float32)]))
    content.append(("conv2d_15", [np.zeros((1, 1, 3, 2622), np.float32), np.zeros(2622, np.float32)]))
    write_keras2(path, content)


def write_keras2(path: Path, content: Sequence[tuple[str, list[npt.NDArray[np.float32]]]]) -> None:
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = [name.encode() for name, _ in content]
        for name, values in content:
            names = [f"{name}/kernel:0", f"{name}/bias:0"][: len(values)]
            group = file.create_group(name)
            group.attrs["weight_names"] = [weight.encode() for weight in names]
            for weight, value in zip(names, values, strict=True):
                group[weight] = value


@pytest.mark.parametrize(
    ("write", "matched", "left"),
    [(by_name, "by the names of VGG-Face", ()), (in_sequence, "by order", ("conv2d_14", "conv2d_15"))],
)
def test_vgg_face_answers_in_our_vgg16_as_it_did(
    write: Callable[[Path, keras.Model], None], matched: str, left: tuple[str, ...], tmp_path: Path
) -> None:
    source, network = vgg("conv{}_{}", VGG_FACE_MEANS), vgg("block{}_conv{}", IMAGENET_MEANS)
    write(tmp_path / "vggface.h5", source)
    loaded = initialise(network, "vggface.h5", "vgg16")
    assert (loaded.matched, len(loaded.layers), loaded.unused) == (matched, 13, left)
    assert loaded.notes == ("the means of VGG-Face are subtracted from the input",)
    network.save("transferred.keras")
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    expected = embedding(source, images)
    assert expected.std() > 1e-3
    np.testing.assert_allclose(embedding(keras.saving.load_model("transferred.keras"), images), expected, rtol=1e-4)


def test_the_weights_of_another_vgg16_keep_the_means_of_imagenet(tmp_path: Path) -> None:
    source, network = vgg("block{}_conv{}", IMAGENET_MEANS), vgg("block{}_conv{}", IMAGENET_MEANS)
    source.save_weights("other.weights.h5")
    assert initialise(network, "other.weights.h5", "vgg16").notes == ()
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), np.uint8)
    np.testing.assert_allclose(embedding(network, images), embedding(source, images), rtol=1e-5)
