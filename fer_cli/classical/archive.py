"""The .skops file of a classical model: skops' own members, `fer.json`, and the files that its features need.

skops (https://skops.readthedocs.io) rebuilds objects from JSON and plain arrays and runs no code of the file's. It
trusts all of scikit-learn, though; here only the few types that a pipeline of ours is made of may be in a file, and
what compiled code would follow blindly, nodes of trees and sizes of arrays, is checked.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import skops.io
from sklearn.ensemble import RandomForestClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC
from sklearn.tree._tree import Tree

from fer_cli import archives, files
from fer_cli.errors import InputError

SUFFIX = ".skops"
#: The member that holds our metadata, as in a .keras file.
METADATA = "fer.json"
#: All that a pipeline of `pipelines` is made of.
TYPES = frozenset(
    {
        "sklearn.pipeline.Pipeline",
        "sklearn.preprocessing._data.StandardScaler",
        "sklearn.decomposition._pca.PCA",
        "sklearn.svm._classes.SVC",
        "sklearn.svm._classes.LinearSVC",
        "sklearn.linear_model._logistic.LogisticRegression",
        "sklearn.ensemble._forest.RandomForestClassifier",
        "sklearn.neighbors._classification.KNeighborsClassifier",
        "sklearn.tree._classes.DecisionTreeClassifier",
        "sklearn.tree._tree.Tree",
        "builtins.dict",
        "builtins.list",
        "builtins.tuple",
        "builtins.str",
        "builtins.int",
        "builtins.type",
        "numpy.ndarray",
        "numpy.bool",
        "numpy.float32",
        "numpy.float64",
        "numpy.int32",
        "numpy.int64",
        "numpy.uint8",
    }
)
#: skops does not trust trees, whose nodes it cannot check; `_sound_tree` does.
_TRUSTED = ["sklearn.tree._tree.Tree"]


def write(path: Path, pipeline: Pipeline, metadata: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    """Write a fitted pipeline, its metadata (JSON-able) and further members to `path` in one step."""
    with files.atomic_path(path) as temporary:
        skops.io.dump(pipeline, temporary, compression=zipfile.ZIP_DEFLATED, compresslevel=1)
        with zipfile.ZipFile(temporary, "a") as archive:
            archive.writestr(METADATA, files.to_json(metadata, indent=2, ascii_only=True))
            for name, content in members.items():
                archive.writestr(name, content)


def read(path: Path) -> tuple[Pipeline, dict[str, Any]]:
    """The fitted pipeline and the metadata of a file that may come from anywhere.

    Raises `InputError` for anything but what `write` makes; nothing of the file is run as code.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such model file")
    try:
        with archives.open_zip(path, "a classical model of fer") as archive:
            metadata = archives.read_object(archive, METADATA)
            _check_types(archives.read_object(archive, "schema.json"), path)
        pipeline = skops.io.load(path, trusted=_TRUSTED)
    except InputError:
        raise
    except (Exception, RecursionError) as error:  # whatever the damaged or hostile part raises
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise InputError(f"{path}: not a classical model of fer ({reason})") from error
    if not isinstance(pipeline, Pipeline):
        raise InputError(f"{path}: not a classical model of fer; expected a pipeline, not {type(pipeline).__name__}")
    _check_arrays(pipeline, path)
    return pipeline, metadata


def _check_types(schema: Any, path: Path) -> None:
    unknown = sorted(set(_types(schema)) - TYPES)
    if unknown:
        raise InputError(
            f"{path}: expected a pipeline made of fer's own classifiers, which alone are loaded. "
            f"Received: {', '.join(unknown[:5])}"
        )


def _types(node: Any) -> Iterator[str]:
    """The types that a schema names, wherever they stand."""
    waiting = [node]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "__class__" in found or "__module__" in found:
                yield f"{found.get('__module__')}.{found.get('__class__')}"
            waiting.extend(found.values())
        elif isinstance(found, list):
            waiting.extend(found)


def _check_arrays(pipeline: Pipeline, path: Path) -> None:
    """Refuse arrays that would lead compiled code, which checks no bounds, out of them."""
    model = pipeline[-1]
    try:
        if isinstance(model, SVC):
            sound = _sound_kernel_machine(model)
        elif isinstance(model, KNeighborsClassifier):
            sound = _sound_neighbours(model)
        elif isinstance(model, RandomForestClassifier):
            sound = all(_sound_tree(tree.tree_, model.n_features_in_) for tree in model.estimators_)
        else:
            return
    except (AttributeError, TypeError, ValueError, IndexError) as error:
        raise InputError(f"{path}: its classifier is not whole ({error})") from error
    if not sound:
        raise InputError(f"{path}: its classifier has arrays that lead out of each other")


def _sound_kernel_machine(model: SVC) -> bool:
    classes, vectors = len(model.classes_), len(model.support_vectors_)
    return bool(
        model.support_vectors_.shape == (vectors, model.n_features_in_)
        and model._dual_coef_.shape == (classes - 1, vectors)
        and model._intercept_.shape == (classes * (classes - 1) // 2,)
        and model._n_support.shape == (classes,)
        and (model._n_support >= 0).all()
        and model._n_support.sum() == vectors
        and len(model._probA) == len(model._probB) == 0
    )


def _sound_neighbours(model: KNeighborsClassifier) -> bool:
    known = model._y
    return bool(
        model._fit_method == "brute"
        and model._fit_X.shape == (model.n_samples_fit_, model.n_features_in_)
        and known.shape == (model.n_samples_fit_,)
        and ((known >= 0) & (known < len(model.classes_))).all()
    )


def _sound_tree(tree: Tree, features: int) -> bool:
    """Whether each child stands behind its parent, as in every tree that was grown, and each column exists."""
    left, right, feature = tree.children_left, tree.children_right, tree.feature
    inner, place = left != -1, np.arange(len(left))
    children = np.stack([left, right])[:, inner]
    return bool(
        len(left) > 0
        and tree.n_features == features
        and (children > place[inner]).all()
        and (children < len(left)).all()
        and ((feature[inner] >= 0) & (feature[inner] < features)).all()
    )
