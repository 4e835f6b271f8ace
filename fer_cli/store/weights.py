"""Weight files of Keras, layer by layer, without building the network that wrote them.

Three layouts hold the same thing: a Keras 3 weight file (`.weights.h5`, and the one inside a `.keras`) has a group a
layer, called after its class and its number among the layers of that class; a Keras 2 file (`.h5`) lists `layer_names`
and the `weight_names` of each.
"""

from __future__ import annotations

import contextlib
import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from fer_cli import archives, files
from fer_cli.errors import InputError
from fer_cli.store.schema import check_contained, first_line, open_hdf5, text

#: The weight file inside a `.keras`.
_MEMBER = "model.weights.h5"
#: What holds the layers of a Keras 3 file, and of one that Keras 2.13 to 2.15 wrote in that format.
_LAYERS = ("layers", "_layer_checkpoint_dependencies")


@dataclass(frozen=True)
class StoredLayer:
    """The weights of one layer in a file.

    name: as the file has it, "" where it does not say. kind: class in snake case ("conv2d"), "" where it does not say.
    Layers of one kind (and those of files without kinds) come in the order of the network that was saved.
    """

    name: str
    kind: str
    weights: tuple[h5py.Dataset, ...]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Of each weight, in Keras' order: kernel, bias; gamma, beta, moving mean, moving variance."""
        return [tuple(weight.shape) for weight in self.weights]

    def read(self) -> list[npt.NDArray[Any]]:
        """The weights; `InputError` where the file breaks off."""
        try:
            return [np.asarray(weight[()]) for weight in self.weights]
        except OSError as error:
            file = self.weights[0].file.filename
            raise InputError(f"{file}: layer {self.name or self.kind} cannot be read ({first_line(error)})") from error


@contextlib.contextmanager
def open_weights(path: Path) -> Iterator[list[StoredLayer]]:
    """The layers with weights of a `.keras`, `.weights.h5` or `.h5` file, readable while the block lasts.

    Raises `InputError` for what is missing, damaged or another kind of file.
    """
    with _open(path) as file:
        try:
            root = next((file[name] for name in _LAYERS if name in file), None)
            layers = list(_keras3(root)) if root is not None else list(_keras2(file.get("model_weights", file)))
        except (KeyError, OSError, RuntimeError) as error:
            raise InputError(f"{path}: a damaged weight file ({first_line(error)})") from error
        if not layers:
            held = ", ".join(list(file)[:6]) or "nothing"
            raise InputError(f"{path}: an HDF5 file, but without weights of Keras layers (it has {held})")
        yield layers


def halve(path: Path) -> None:
    """Store the weights of a `.keras` file as float16 in place; whoever loads it gets float32 again.

    Keras assigns what a file holds to variables of the network's own precision, so nothing but the file changes.
    """
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    content = io.BytesIO(members[_MEMBER])
    with h5py.File(content, "r") as old, h5py.File(made := io.BytesIO(), "w") as new:
        _copy_halved(old, new)
    members[_MEMBER] = made.getvalue()
    with files.atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def _copy_halved(old: h5py.Group, new: h5py.Group) -> None:
    new.attrs.update(old.attrs)
    for name, item in old.items():
        if isinstance(item, h5py.Group):
            _copy_halved(item, new.create_group(name))
        else:
            values = item[()]
            new.create_dataset(name, data=values.astype(np.float16) if values.dtype == np.float32 else values)


@contextlib.contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    if not zipfile.is_zipfile(path):
        with open_hdf5(path) as file:
            yield file
        return
    with archives.open_zip(path, "a model file of Keras 3") as archive:
        content = archive.read(_MEMBER)  # whole: HDF5 jumps about in a file, at great cost in a compressed one
        opened = h5py.File(io.BytesIO(content), "r")
    with opened:
        check_contained(path, opened)
        yield opened


def _keras3(group: h5py.Group) -> Iterator[StoredLayer]:
    """The layers below a group, those of nested models where they stand."""
    for name in sorted((name for name in group if isinstance(group[name], h5py.Group)), key=_numbered):
        nested = next((group[name][inner] for inner in _LAYERS if inner in group[name]), None)
        if nested is not None:
            yield from _keras3(nested)
            continue
        variables = group[name].get("vars", {})
        if len(variables):
            weights = tuple(variables[key] for key in sorted(variables, key=lambda key: (len(key), key)))
            yield StoredLayer(text(variables.attrs.get("name", "")), _numbered(name)[0], weights)


def _numbered(name: str) -> tuple[str, int]:
    """Class and number of a Keras 3 group: "conv2d" is the first, "conv2d_1" the second."""
    kind, number = re.fullmatch(r"(.+?)(?:_(\d+))?", name, re.DOTALL).groups()  # type: ignore[union-attr]
    return kind, int(number or 0)


def _keras2(group: h5py.Group) -> Iterator[StoredLayer]:
    for layer in _listed(group, "layer_names"):
        by_owner: dict[str, list[h5py.Dataset]] = {}
        for weight in _listed(group[layer], "weight_names"):
            by_owner.setdefault("/".join(weight.split("/")[:-1]), []).append(group[layer][weight])
        for owner, weights in by_owner.items():
            # One group may hold a whole nested model, whose weights are called after their own layers.
            yield StoredLayer(owner.split("/")[-1] if len(by_owner) > 1 else layer, "", tuple(weights))


def _listed(group: h5py.Group, attribute: str) -> list[str]:
    """A list of names, which Keras 2 spreads over `names0`, `names1`, … where it is too long for one attribute."""
    parts = [attribute] if attribute in group.attrs else []
    while f"{attribute}{len(parts)}" in group.attrs:
        parts.append(f"{attribute}{len(parts)}")
    return [text(name) for part in parts for name in group.attrs[part]]
