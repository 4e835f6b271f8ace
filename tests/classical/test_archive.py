"""Model files that come from anywhere: those of ours load, and nothing else does anything."""

from __future__ import annotations

import io
import json
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import skops.io
from sklearn.ensemble import AdaBoostClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from fer_cli import archives
from fer_cli.classical import pipelines
from fer_cli.classical.features import parse
from fer_cli.classical.model import ClassicalModel, load_classical, save_classical
from fer_cli.errors import InputError
from tests import helpers

LABELS = np.arange(70, dtype=np.uint8) % 7
Content = dict[str, bytes]
Array = np.ndarray


@pytest.fixture(params=["svm-linear"])
def saved(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A sound file of the classifier named."""
    images, features = helpers.planted_faces(LABELS), parse("pca:3")
    steps = pipelines.preparation(features.pca, len(images), 0)
    setting = {"n_estimators": 2} if request.param == "forest" else {}
    model = pipelines.classifier(request.param, 0, setting).fit(steps.fit_transform(features.compute(images)), LABELS)
    whole = Pipeline([*steps.steps, ("classifier", model)])
    path = tmp_path / "model.skops"
    save_classical(ClassicalModel(path, features, whole, 1.0, tuple("abcdefg"), (24, 24, 1), {}))
    return path


def edit(path: Path, member: str, change: Callable[[Any], Any]) -> None:
    def of_all(members: Content) -> None:
        members[member] = json.dumps(change(json.loads(members[member]))).encode()

    helpers.edit_zip(path, of_all)


def rewrite_arrays(path: Path, change: Callable[[Array], Array]) -> None:
    def of_all(members: Content) -> None:
        for name in [name for name in members if name.endswith(".npy")]:
            buffer = io.BytesIO()
            np.save(buffer, change(np.load(io.BytesIO(members[name]))))
            members[name] = buffer.getvalue()

    helpers.edit_zip(path, of_all)


class Payload:
    """Leaves a trace where it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (Path("trace"),)


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        load_classical(path)
    assert str(caught.value).startswith(str(path))
    assert not Path("trace").exists()
    return str(caught.value)


def test_a_pickle_in_place_of_an_array_is_not_run(saved: Path) -> None:
    def plant(members: Content) -> None:
        for name in [name for name in members if name.endswith(".npy")]:
            members[name] = pickle.dumps(Payload())

    helpers.edit_zip(saved, plant)
    assert "not a classical model of fer" in refused(saved)


def test_a_pickle_in_place_of_the_file_is_not_run(saved: Path) -> None:
    saved.write_bytes(pickle.dumps(Payload()))
    assert "not a classical model of fer (File is not a zip file)" in refused(saved)


@pytest.mark.parametrize(
    ("step", "named"),
    [
        (FunctionTransformer(np.exp), "sklearn.preprocessing._function_transformer.FunctionTransformer"),
        (AdaBoostClassifier(), "sklearn.ensemble._weight_boosting.AdaBoostClassifier"),
    ],
)
def test_other_types_are_refused_by_name_though_skops_trusts_them(saved: Path, step: Any, named: str) -> None:
    metadata = zipfile.ZipFile(saved).read("fer.json")
    skops.io.dump(Pipeline([("step", step)]), saved)
    assert skops.io.get_untrusted_types(file=saved) == []
    with zipfile.ZipFile(saved, "a") as opened:
        opened.writestr("fer.json", metadata)
    message = refused(saved)
    assert "expected a pipeline made of fer's own classifiers" in message
    assert named in message


def test_a_function_of_the_file_s_choice_is_not_found(saved: Path) -> None:
    def plant(schema: dict[str, Any]) -> dict[str, Any]:
        return {**schema, "__class__": "system", "__module__": "os"}

    edit(saved, "schema.json", plant)
    assert "Received: os.system" in refused(saved)


def test_a_file_that_unpacks_to_too_much_is_refused(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archives, "_LEAST_BYTES", 1 << 20)
    helpers.edit_zip(saved, lambda members: members.update({"zeros.npy": bytes(8 << 20)}))
    assert "bytes unpacked. Received: 8," in refused(saved)


def test_a_schema_without_end_is_refused(saved: Path) -> None:
    helpers.edit_zip(saved, lambda members: members.update({"schema.json": b"[" * 100_000}))
    assert "not a classical model of fer" in refused(saved)


@pytest.mark.parametrize(
    ("key", "value"),
    [("temperature", 0.0), ("temperature", None), ("features", 7), ("input_shape", [24, 24]), ("class_names", "abc")],
)
def test_metadata_that_cannot_be_is_refused(saved: Path, key: str, value: Any) -> None:
    edit(saved, "fer.json", lambda metadata: {**metadata, key: value})
    assert "fer.json: expected input_shape, class_names" in refused(saved)


def test_parts_that_do_not_fit_together_are_refused(saved: Path) -> None:
    edit(saved, "fer.json", lambda metadata: {**metadata, "input_shape": [12, 12, 1]})
    assert "its pipeline cannot be used (X has 144 features" in refused(saved)
    edit(saved, "fer.json", lambda metadata: {**metadata, "input_shape": [24, 24, 1], "class_names": ["a", "b"]})
    assert "its pipeline cannot be used" in refused(saved)
    edit(saved, "fer.json", lambda metadata: {**metadata, "features": "eigen"})
    assert "unknown kind of features 'eigen'" in refused(saved)


@pytest.mark.parametrize("saved", ["forest"], indirect=True)
@pytest.mark.parametrize("field", ["left_child", "right_child", "feature"])
def test_a_tree_that_leads_out_of_its_arrays_is_refused(saved: Path, field: str) -> None:
    assert load_classical(saved).class_names == tuple("abcdefg")

    def plant(nodes: Array) -> Array:
        if nodes.dtype.names and field in nodes.dtype.names:
            nodes[field][0] = 1 << 40
        return nodes

    rewrite_arrays(saved, plant)
    assert "its classifier has arrays that lead out of each other" in refused(saved)


#: Arrays by what their shape is like: of 3 columns, 7 classes, 21 pairs of them.
DUAL = ("dual coefficients", lambda shape: shape[:1] == (6,) and len(shape) == 2)
VECTORS = ("support vectors or train rows", lambda shape: len(shape) == 2 and shape[0] > 40 and shape[1] == 3)
OFFSETS = ("offsets", lambda shape: shape == (21,))


@pytest.mark.parametrize(
    ("saved", "which"),
    [("svm-rbf", DUAL), ("svm-rbf", VECTORS), ("svm-rbf", OFFSETS), ("knn", VECTORS)],
    indirect=["saved"],
    ids=lambda value: value if isinstance(value, str) else value[0],
)
def test_arrays_that_are_too_short_are_refused(saved: Path, which: tuple[str, Callable[[Any], bool]]) -> None:
    assert load_classical(saved).class_names == tuple("abcdefg")
    rewrite_arrays(saved, lambda values: values[..., :-1].copy() if which[1](values.shape) else values)
    assert "its classifier has arrays that lead out of each other" in refused(saved)


@pytest.mark.parametrize("saved", ["knn"], indirect=True)
def test_labels_that_name_no_class_are_refused(saved: Path) -> None:
    rewrite_arrays(saved, lambda values: values + 7 if values.shape == (70,) else values)
    assert "its classifier has arrays that lead out of each other" in refused(saved)


def test_nothing_there(tmp_path: Path) -> None:
    assert "no such model file" in refused(tmp_path / "none.skops")
