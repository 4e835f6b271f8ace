"""ImageNet weights: found in Keras' cache, fetched once, and told apart from what is damaged."""

from __future__ import annotations

import hashlib
from pathlib import Path
from urllib.error import URLError

import keras
import numpy as np
import pytest

from fer_cli.architectures import applications
from fer_cli.errors import InputError, MissingError, UsageError
from fer_cli.training import imagenet
from fer_cli.training.initialise import initialise
from tests.tiny import tiny

ADDRESS = "https://example.org/tiny_notop.h5"


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of Keras', and an architecture `tiny` that has weights."""
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "keras"))
    known = applications.weights_file
    monkeypatch.setattr(
        applications, "weights_file", lambda name: ("tiny_notop.h5", ADDRESS) if name == "tiny" else known(name)
    )
    monkeypatch.setattr(keras.utils, "get_file", no_network)
    return tmp_path / "keras" / "models"


def no_network(name: str, address: str, **where: str) -> str:
    print(f"Downloading data from {address}")
    try:
        raise URLError("no such host")
    except URLError as error:
        raise Exception(f"URL fetch failure on {address}: {error.errno} -- {error.reason}")  # noqa: B904


def write_body(path: Path) -> keras.Model:
    """A network whose body is the content of the weight file."""
    network = tiny((24, 24, 1), 9)
    path.parent.mkdir(parents=True, exist_ok=True)
    keras.Model(network.input, network.get_layer("blocks_bn").output).save(path)
    return network


def test_weights_in_the_cache_are_loaded(cache: Path) -> None:
    source, network = write_body(cache / "tiny_notop.h5"), tiny((24, 24, 1), 7)
    loaded = initialise(network, "imagenet", "tiny")
    assert loaded.layers == ("blocks", "blocks_bn")
    np.testing.assert_array_equal(network.get_layer("blocks").get_weights()[0], source.layers[2].get_weights()[0])


def test_weights_that_are_not_there_are_fetched_into_the_cache(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def get_file(name: str, address: str, cache_dir: str, cache_subdir: str) -> str:
        print(f"Downloading data from {address}")
        write_body(Path(cache_dir) / cache_subdir / name)
        return ""

    monkeypatch.setattr(keras.utils, "get_file", get_file)
    assert imagenet.fetch("tiny") == cache / "tiny_notop.h5"
    assert capsys.readouterr().out == ""  # stdout is for the results


def test_without_a_network_the_error_names_file_and_folder(cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(MissingError) as raised:
        initialise(tiny((24, 24, 1), 7), "imagenet", "tiny")
    assert str(raised.value) == (
        "the ImageNet weights of tiny are not here and could not be fetched (no such host): "
        f"put tiny_notop.h5 from {ADDRESS} into {cache}"
    )
    assert raised.value.exit_code == 5
    assert capsys.readouterr().out == ""


def test_an_architecture_without_such_weights_is_told_which_have_them(cache: Path) -> None:
    with pytest.raises(UsageError, match=r"mini has no ImageNet weights; vgg16, resnet50v2, .* have$"):
        imagenet.fetch("mini")


def test_a_file_of_another_digest_is_refused(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_body(cache / "tiny_notop.h5")
    right = hashlib.md5((cache / "tiny_notop.h5").read_bytes()).hexdigest()
    monkeypatch.setattr(imagenet, "_published_digest", lambda name, address: right)
    assert imagenet.fetch("tiny") == cache / "tiny_notop.h5"
    with (cache / "tiny_notop.h5").open("ab") as stream:
        stream.write(b"\0")
    with pytest.raises(
        InputError, match=f"tiny_notop.h5: damaged, or another file: its digest is not {right}, .*delete"
    ):
        imagenet.fetch("tiny")


def test_a_file_that_leaves_a_part_of_the_body_new_is_refused(cache: Path) -> None:
    cache.mkdir(parents=True)
    source = tiny((24, 24, 1), 7)
    keras.Model(source.input, source.get_layer("blocks").output).save(cache / "tiny_notop.h5")
    with pytest.raises(InputError, match=r"not the ImageNet weights of tiny \(blocks_bn: not in the file\); delete it"):
        initialise(tiny((24, 24, 1), 7), "imagenet", "tiny")


def test_the_digests_that_keras_publishes_are_found() -> None:
    lengths = {
        name: len(imagenet._published_digest(*applications.weights_file(name)))
        for name in ("resnet50v2", "resnet152v2", "mobilenetv3small", "efficientnetv2b0", "convnexttiny", "vgg16")
    }
    assert lengths == {
        "resnet50v2": 32, "resnet152v2": 32, "mobilenetv3small": 32, "efficientnetv2b0": 32, "convnexttiny": 64,
        "vgg16": 0,
    }  # fmt: skip
