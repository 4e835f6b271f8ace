"""Model files that come from anywhere; `load_scorer`, and what it calls, loads them all.

Those of classical models have tests of their own, tests/classical/test_archive.py.
"""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from fer_cli import archives
from fer_cli.labels import EMOTIONS
from fer_cli.runtimes import litert
from fer_cli.scorers import load_scorer
from fer_cli.store.weights import open_weights
from fer_cli.training import checkpoint
from tests import helpers
from tests.hostile import Payload, refused


def configure(path: Path, change: Callable[[list[dict[str, Any]]], Any]) -> Path:
    """The model with other layers in its description."""

    def of_all(members: dict[str, bytes]) -> None:
        config = json.loads(members["config.json"])
        change(config["config"]["layers"])
        members["config.json"] = json.dumps(config).encode()

    return helpers.edit_zip(path, of_all)


@pytest.mark.parametrize("name", ["x.keras", "x.skops", "x.onnx", "x.tflite", "x.h5", "x.joblib", "x.pkl"])
def test_a_pickle_is_no_model(name: str) -> None:
    Path(name).write_bytes(pickle.dumps(Payload()))
    assert refused(lambda: load_scorer(Path(name), EMOTIONS)).startswith(f"{name}: ")


@pytest.mark.parametrize(
    "layer",
    [
        {"module": "os", "class_name": "system", "config": {"command": "touch trace"}},
        {"module": "builtins", "class_name": "exec", "config": {"source": "open('trace', 'w')"}},
        {"module": "pathlib", "class_name": "Path", "config": {"name": "trace"}},
        {
            "module": "keras.utils",
            "class_name": "get_file",
            "config": {"fname": "trace", "origin": "file:///etc/hostname"},
        },
        {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {
                "function": {"class_name": "__lambda__", "config": {"code": "4wEAAAA=", "defaults": None}},
            },
        },
        {
            "module": "keras.layers",
            "class_name": "Lambda",
            "config": {"function": {"module": "os", "class_name": "function", "config": "system"}},
        },
        {"module": "keras.layers", "class_name": "TFSMLayer", "config": {"filepath": "saved"}},
        {"module": "keras.layers", "class_name": "StringLookup", "config": {"vocabulary": "/etc/passwd"}},
    ],
    ids=lambda layer: f"{layer['module']}.{layer['class_name']}",
)
def test_layers_that_would_run_code_or_read_files(layer: dict[str, Any], model: Path) -> None:
    def put(layers: list[dict[str, Any]]) -> None:
        layers[1] = {**layers[1], **layer, "registered_name": None}

    configure(model, put)
    assert "Keras cannot load it" in refused(lambda: load_scorer(model))


def test_layers_named_like_other_places(model: Path) -> None:
    def rename(layers: list[dict[str, Any]]) -> None:
        layers[1]["name"] = layers[1]["config"]["name"] = "../../trace"

    assert "Keras cannot load it" in refused(lambda: load_scorer(configure(model, rename)))


def test_weights_that_are_elsewhere(model: Path) -> None:
    other = Path("other.h5")
    with h5py.File(other, "w") as file:
        file["kernel"] = np.zeros((helpers.SIDE**2, 7), np.float32)

    def link(members: dict[str, bytes]) -> None:
        content = io.BytesIO(members["model.weights.h5"])
        with h5py.File(content, "r+") as file:
            del file["layers/dense/vars/0"]
            file["layers/dense/vars/0"] = h5py.ExternalLink(str(other.absolute()), "kernel")
        members["model.weights.h5"] = content.getvalue()

    helpers.edit_zip(model, link)
    assert "Keras cannot load it" in refused(lambda: load_scorer(model))
    assert "is a link to another file" in refused(lambda: open_weights(model).__enter__())


@pytest.mark.parametrize("member", ["fer.json", "config.json", "model.weights.h5", "more"])
def test_a_file_that_unpacks_to_too_much(member: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_LEAST_BYTES", 1 << 20)
    helpers.edit_zip(model, lambda members: members.update({member: b" " * (8 << 20)}))
    for load in (load_scorer, lambda path: open_weights(path).__enter__()):
        assert "bytes unpacked. Received: 8," in refused(lambda load=load: load(model))


def test_a_file_that_lies_about_it(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_MOST_JSON", 1 << 20)
    helpers.edit_zip(model, lambda members: members.update({"fer.json": b" " * (8 << 20)}))
    content = bytearray(model.read_bytes())
    size = struct.pack("<I", 8 << 20)
    while (place := content.find(size)) >= 0:
        content[place : place + 4] = struct.pack("<I", 2 << 20)
    model.write_bytes(content)
    assert "fer.json: expected at most 1,048,576 bytes" in refused(lambda: load_scorer(model))


def test_a_zip_behind_a_model_that_unpacks_to_too_much(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_LEAST_BYTES", 1 << 20)
    path = tmp_path / "net.tflite"
    path.write_bytes(b"a network")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("fer.json", b" " * (8 << 20))
    assert "bytes unpacked" in refused(lambda: litert._metadata(path))


@pytest.mark.parametrize(
    "metadata",
    [b"[" * 100_000, b"7", b'{"class_names": 7}', b'{"class_names": [1, 2, 3, 4, 5, 6, 7]}'],
    ids=["deep", "no object", "no list", "no names"],
)
def test_metadata_of_another_form(metadata: bytes, model: Path) -> None:
    helpers.edit_zip(model, lambda members: members.update({"fer.json": metadata}))
    assert refused(lambda: load_scorer(model)).startswith(str(model))


def test_an_onnx_file_with_its_data_elsewhere(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx", reason="needs the extra export")
    pytest.importorskip("onnxruntime", reason="needs the extra export")
    from onnx import TensorProto, helper

    (tmp_path / "secret").write_bytes(bytes(28))
    (tmp_path / "models").mkdir()
    tensor = onnx.TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[7])
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../secret")
    shapes = {"x": [None, 7], "y": [None, 7]}
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items())
    graph = helper.make_graph([helper.make_node("Add", ["x", "w"], ["y"])], "g", [x], [y], [tensor])
    path = tmp_path / "models" / "net.onnx"
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path.write_bytes(made.SerializeToString())
    assert "ONNX Runtime cannot load it" in refused(lambda: load_scorer(path, EMOTIONS))


class TestCheckpoints:
    @pytest.mark.parametrize(
        "state",
        [np.array([Payload()], object), np.array("[" * 100_000), np.array("7"), np.array('{"settings": 1, "more": 2}')],
        ids=["a pickle", "deep", "a number", "other fields"],
    )
    def test_what_is_no_state(self, state: Any) -> None:
        np.savez("checkpoint.npz", state=state)
        assert "not a checkpoint of `fer train`" in refused(lambda: checkpoint.load_state(Path("checkpoint.npz")))

    def test_an_array_that_says_it_is_huge(self) -> None:
        header = io.BytesIO()
        np.lib.format.write_array_header_1_0(header, {"descr": "<f8", "fortran_order": False, "shape": (1 << 44,)})
        with zipfile.ZipFile("checkpoint.npz", "w") as archive:
            archive.writestr("state.npy", header.getvalue())
        assert "not a checkpoint of `fer train`" in refused(lambda: checkpoint.load_state(Path("checkpoint.npz")))
