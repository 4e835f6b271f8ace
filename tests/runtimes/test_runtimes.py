"""Files of other runtimes: what is refused, each in one line."""

from __future__ import annotations

import importlib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli.errors import InputError, MissingError
from fer_cli.runtimes import answers
from fer_cli.runtimes.answers import Opened, RuntimeModel
from fer_cli.runtimes.litert import load_litert
from fer_cli.runtimes.onnx import load_onnx

LOADERS = [pytest.param(load_onnx, "onnx", id="onnx"), pytest.param(load_litert, "tflite", id="litert")]
NAMES = ("left", "right")


def answer(images: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.stack([images.mean((1, 2, 3)), np.full(len(images), 0.5, np.float32)], 1)


def test_probabilities_of_eight_bits_have_a_sum_of_one(tmp_path: Path) -> None:
    model = load_shapes(tmp_path, [[None, 4, 4, 1]], [[None, 2]], {"class_names": list(NAMES), "precision": "int8"})
    images = np.full((3, 4, 4, 1), 0.48, np.float32)
    np.testing.assert_allclose(model.probabilities(images), [[0.48 / 0.98, 0.5 / 0.98]] * 3, rtol=1e-6)


def load_shapes(
    folder: Path, taken: list[Any], given: list[Any], metadata: dict[str, Any], classes: Any = None
) -> RuntimeModel:
    """A file whose runtime tells of inputs and outputs of these shapes."""
    (folder / "x.onnx").write_bytes(b"")
    return answers.load(folder / "x.onnx", classes, lambda path: Opened(taken, given, metadata, answer))


def test_answers_come_in_batches_of_any_size(tmp_path: Path) -> None:
    model = load_shapes(tmp_path, [[None, 4, 4, 1]], [[None, 2]], {"class_names": list(NAMES)})
    images = np.arange(5 * 16, dtype=np.uint8).reshape(5, 4, 4, 1)
    np.testing.assert_allclose(model.probabilities(images, 2), answer(images.astype(np.float32)))
    assert model.probabilities(images[:0]).shape == (0, 2)


@pytest.mark.parametrize(
    ("classes", "taken", "given", "message"),
    [
        (NAMES, [[None, 3, 4, 4]], [[None, 2, 2]], "expected an input (N, H, W, C) of images and an output (N, K)"),
        (NAMES, [[None, "height", 4, 1]], [[None, 2]], "expected an input (N, H, W, C) of images"),
        (NAMES, [[None, 4, 4, 1]] * 2, [[None, 2]], "expected one input and one output. Received: 2 and 1"),
        (None, [[None, 4, 4, 1]], [[None, 2]], "name them with --classes"),
        (("one",), [[None, 4, 4, 1]], [[None, 2]], "expected 2 class names, one an output. Received: one"),
    ],
)
def test_what_is_no_classifier_of_images_is_refused(
    classes: Any, taken: list[Any], given: list[Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"x\.onnx") as caught:
        load_shapes(tmp_path, taken, given, {}, classes)
    assert message in str(caught.value)


@pytest.mark.parametrize(("load", "ending"), LOADERS)
def test_a_missing_and_a_damaged_file_are_refused(load: Callable[..., Any], ending: str, tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime" if ending == "onnx" else "ai_edge_litert")
    path = tmp_path / f"model.{ending}"
    with pytest.raises(InputError, match="no such model file"):
        load(path)
    path.write_bytes(b"no model at all")
    with pytest.raises(InputError, match="cannot load it"):
        load(path)


@pytest.mark.parametrize(("load", "ending"), LOADERS)
def test_a_missing_runtime_is_named_with_what_installs_it(
    load: Callable[..., Any], ending: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", refuse)
    (tmp_path / f"model.{ending}").write_bytes(b"")
    with pytest.raises(MissingError, match=r"pip install 'fer-cli\[export\]'"):
        load(tmp_path / f"model.{ending}")


def test_metadata_behind_a_litert_file_must_be_an_object(tmp_path: Path) -> None:
    from fer_cli.runtimes import litert

    path = tmp_path / "model.tflite"
    path.write_bytes(b"flatbuffer")
    assert litert._metadata(path) == {}
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("fer.json", "[1]")
    with pytest.raises(InputError, match=r"fer.json: expected an object. Received: list"):
        litert._metadata(path)
