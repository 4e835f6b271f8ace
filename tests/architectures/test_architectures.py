"""The contract that every architecture of the catalog keeps, and what each one is said to cost."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import keras
import numpy as np
import numpy.typing as npt
import pytest

from fer_cli import catalog
from fer_cli.architectures import choose

#: Parameters in millions at 48×48 grey and 7 classes, moving statistics of the normalisation included.
PARAMETERS = {
    "mini": 0.752,
    "resnet10se": 0.898,
    "resnet18": 11.18,
    "resnet34": 21.30,
    "resnet50": 23.57,
    "resnet101": 42.61,
    "six-conv": 1.20,
    "four-conv": 4.48,
    "five-layer": 1.44,
    "cpcpcpfff": 1.31,
    "ccpccpccpff": 1.47,
    "ccpccpccpccpff": 1.77,
    "vgg13": 6.92,
    "mini-xception": 0.0584,
    "vgg16": 14.72,
    "resnet50v2": 23.58,
    "resnet152v2": 58.35,
    "mobilenetv2": 2.27,
    "mobilenetv3small": 0.943,
    "efficientnetv2b0": 5.93,
    "densenet121": 7.04,
    "convnexttiny": 27.83,
}
#: A pattern with each letter.
PATTERN = "pattern:CSCACDPFDF"
#: One network for each way in which layers are put together: these are run, trained, saved and loaded.
KINDS = ("mini", "vgg13", "mini-xception", "vgg16", "mobilenetv3small", "convnexttiny", PATTERN)

LOAD = """
import sys
from pathlib import Path
import keras, numpy as np
images = np.load("images.npy")
for path in sorted(Path(".").glob("*.keras")):
    network = keras.saving.load_model(path, safe_mode=True)
    np.save(path.with_suffix(".npy"), keras.ops.convert_to_numpy(network(images, training=False)))
assert not any(name.startswith("fer_cli") for name in sys.modules)
"""


@cache
def outline(name: str) -> keras.Model:
    """The network for 48×48 grey and 7 classes without weights, the drawing of which takes most of the time."""
    with keras.StatelessScope(initialize_variables=False):
        built = choose.build(name, (48, 48, 1), 7, {})
    keras.backend.clear_session()  # or Keras would draw them all as soon as some other network is built
    return built


@cache
def network(name: str) -> keras.Model:
    """The network for 48×48 RGB and 7 classes, built once for all tests of this file."""
    keras.utils.set_random_seed(0)
    return choose.build(name, (48, 48, 3), 7, {})


@cache
def images() -> npt.NDArray[np.uint8]:
    return np.random.default_rng(0).integers(0, 256, (2, 48, 48, 3), np.uint8)


def outputs(network: keras.Model, images: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """What a network says, without the time that compiling it takes."""
    return np.asarray(keras.ops.convert_to_numpy(network(images, training=False)))


@pytest.fixture(scope="module")
def reloaded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what each saved network says when a process loads it that knows nothing of ours."""
    folder = tmp_path_factory.mktemp("networks")
    np.save(folder / "images.npy", images())
    for name in KINDS:
        network(name).save(folder / f"{name.removeprefix('pattern:')}.keras")
    done = subprocess.run(
        [sys.executable, "-c", LOAD], check=False, cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.parametrize("name", catalog.ARCHITECTURES)
class TestContract:
    def test_parts_have_the_names_that_others_rely_on(self, name: str) -> None:
        built = outline(name)
        assert built.name == name
        assert built.input_shape == (None, 48, 48, 1)
        assert len(built.get_layer("embedding").output.shape) == 2
        assert isinstance(built.get_layer("logits"), keras.layers.Dense)
        assert built.layers[-1].name == "probabilities"
        assert built.output_shape == (None, 7)

    def test_it_states_its_paper(self, name: str) -> None:
        assert catalog.find(catalog.ARCHITECTURES, name, "architecture").paper

    def test_parameters_are_as_listed(self, name: str) -> None:
        assert outline(name).count_params() / 1e6 == pytest.approx(PARAMETERS[name], rel=0.003)

    def test_its_layers_are_those_of_keras(self, name: str) -> None:
        modules = set(re.findall('"module": "(.*?)"', json.dumps(keras.saving.serialize_keras_object(outline(name)))))
        assert {module.split(".")[0] for module in modules} == {"keras"}


@pytest.mark.parametrize("name", KINDS)
class TestKind:
    def test_uint8_and_float_pixels_give_the_same_distribution(self, name: str) -> None:
        found = outputs(network(name), images())
        assert found.shape == (2, 7)
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
        np.testing.assert_allclose(found, outputs(network(name), images().astype(np.float32)), atol=1e-6)

    def test_keras_alone_loads_it_in_safe_mode(self, name: str, reloaded: Path) -> None:
        theirs = np.load(reloaded / f"{name.removeprefix('pattern:')}.npy")
        np.testing.assert_allclose(theirs, outputs(network(name), images()), atol=1e-5)

    # The last of these tests: it changes the network.
    def test_a_step_of_training_reaches_the_first_weights(self, name: str) -> None:
        trained = network(name)
        variables = trained.trainable_variables[0], trained.get_layer("logits").kernel
        before = [keras.ops.convert_to_numpy(variable) for variable in variables]
        trained.compile("sgd", "categorical_crossentropy", run_eagerly=keras.backend.backend() == "tensorflow")
        assert np.isfinite(trained.train_on_batch(images(), np.eye(7)[:2]))
        after = [keras.ops.convert_to_numpy(variable) for variable in variables]
        assert all((new != old).any() for new, old in zip(after, before, strict=True))


@pytest.mark.parametrize("name", ["mini", "six-conv", "mini-xception", "mobilenetv3small"])
def test_logits_and_probabilities_are_float32_at_any_precision(name: str) -> None:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        with keras.StatelessScope(initialize_variables=False):
            built = choose.build(name, (48, 48, 1), 7, {})
        keras.backend.clear_session()
    finally:
        keras.config.set_dtype_policy(before)
    assert built.get_layer("embedding").output.dtype == "bfloat16"
    assert built.get_layer("logits").output.dtype == built.outputs[0].dtype == "float32"
