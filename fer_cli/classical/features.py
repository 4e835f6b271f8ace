"""What a classical classifier sees of a face: numbers computed from pixels, named by a short text.

`pixels`, `hog`, `lbp`, `keypoints`, `embedding:MODEL.keras[:LAYER]`, several joined by `+`, and `pca:0.90` (so much of
the variance) or `pca:103` (so many components). PCA is fitted, so it is a step of the classifier's pipeline and not
computed here; it reduces all that is named beside it, the pixels where nothing is.
"""

from __future__ import annotations

import re
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from fer_cli import catalog, framework
from fer_cli.classical.kinds import Feature, Floats, Pixels, Shape
from fer_cli.errors import InputError, UsageError
from fer_cli.store.reader import ImageRows

#: Images that are worked on at once.
BLOCK = 256
#: The parts of a text, and the two of an embedding: the path of a model ends with .keras and may hold `+` and `:`.
_PART = re.compile(r"embedding:.*?\.keras(?::[^+]+)?(?=\+|$)|[^+]+")
_MODEL = re.compile(r"(.+\.keras):(.+)")

Transforms = Sequence[Mapping[str, Any]]


class _NetworkFeature(Feature, Protocol):
    """Features that need a model file, whose bytes are `content`."""

    content: bytes


@dataclass(frozen=True)
class Features:
    """The features that a text names.

    text: as given. kinds: in its order. pca: the part of the variance (0..1, a float) or the number of components (an
    int) that a PCA after these features is to keep, None without one. networks: member name -> the model file of each
    embedding.
    """

    text: str
    kinds: tuple[Feature, ...]
    pca: float | int | None = None
    networks: Mapping[str, bytes] = field(default_factory=dict, repr=False)

    def names(self, shape: Shape) -> list[str]:
        """A name for each column, for images of this shape (H, W, C)."""
        return [name for kind in self.kinds for name in kind.names(shape)]

    def compute(self, images: Pixels | ImageRows, advance: Callable[[int], None] = lambda _: None) -> Floats:
        """Features float32 (N, D) of images uint8 (N, H, W, C), finite, a row from its image alone.

        Works block by block, so that images may stay on disk. advance: is called with the number of images just done.
        """
        height, width, channels = images.shape[1:]
        out = np.empty((len(images), len(self.names((height, width, channels)))), np.float32)
        done = 0
        for block in _blocks(images):
            parts = [kind.compute(block) for kind in self.kinds]
            np.concatenate(parts, axis=1, out=out[done : done + len(block)])
            done += len(block)
            advance(len(block))
        return out

    def files(self) -> dict[str, bytes]:
        """Member name -> content of the files that these features need, to be stored with a classifier."""
        return dict(self.networks)


def parse(text: str, archive: Path | None = None, transforms: Transforms = ()) -> Features:
    """The features that `text` names; see the top of this module.

    archive: a zip file with the members that `Features.files` gave; networks come from there and not from the paths in
    `text`. transforms: what was applied to the images already, as their dataset's file lists it; a network that wants a
    correction of illumination applies none twice. Raises `UsageError` for a text that names no features, `InputError`
    for a network that cannot be used, `MissingError` for what is not installed.
    """
    parts = [part.partition(":")[::2] for part in _PART.findall(text) or [text]]
    sizes = [_pca_size(argument) for name, argument in parts if name == "pca"]
    if len(sizes) > 1 or len(set(parts)) < len(parts):
        raise UsageError(f"features: expected each kind once. Received: {text}")
    kinds: list[Feature] = []
    networks: dict[str, bytes] = {}
    for name, argument in [part for part in parts if part[0] != "pca"] or [("pixels", "")]:
        if name == "embedding":
            member = f"embedding-{len(networks) + 1}.keras" if networks else "embedding.keras"
            network = _embedding(argument, archive, member, transforms)
            networks[member] = network.content
            kinds.append(network)
        else:
            kinds.append(_plain(name, argument))
    return Features(text, tuple(kinds), sizes[0] if sizes else None, networks)


def _plain(name: str, argument: str) -> Feature:
    """The kind of this name, which takes no argument."""
    if name not in catalog.FEATURES:
        raise UsageError(catalog.unknown("kind of features", name, [*catalog.FEATURES, "pca"]))
    if argument:
        raise UsageError(f"features: expected {name} with nothing behind it. Received: {name}:{argument}")
    kind: Feature = catalog.find(catalog.FEATURES, name, "kind of features")()
    return kind


def _embedding(argument: str, archive: Path | None, member: str, transforms: Transforms) -> _NetworkFeature:
    """What a layer of a network gives; the network is a member of `archive` where there is one."""
    if not argument:
        raise UsageError("features: expected embedding:MODEL.keras or embedding:MODEL.keras:LAYER. Received: embedding")
    split = _MODEL.fullmatch(argument)
    path, *layer = split.groups() if split else (argument,)
    framework.load()
    build: Callable[..., _NetworkFeature] = catalog.find(catalog.FEATURES, "embedding", "kind of features")
    if archive is None:
        return build(Path(path), *layer, transforms=transforms)
    with tempfile.TemporaryDirectory() as folder:
        try:
            with zipfile.ZipFile(archive) as opened:
                stored = opened.extract(member, folder)
        except (KeyError, zipfile.BadZipFile, OSError) as error:
            raise InputError(f"{archive}: expected {member}, the network of its features ({error})") from error
        return build(Path(stored), *layer, transforms=transforms)


def _pca_size(argument: str) -> float | int:
    """What a PCA keeps: a count, or a part of the variance."""
    try:
        size: float | int = int(argument) if argument.isdecimal() else float(argument)
    except ValueError:
        size = 0
    if not (size >= 1 if isinstance(size, int) else 0 < size < 1):
        raise UsageError(
            "features: expected pca: with a number of components from 1 on or a part of the variance between 0 and 1, "
            f"as in pca:103 or pca:0.90. Received: pca:{argument}"
        )
    return size


def _blocks(images: Pixels | ImageRows) -> Iterator[Pixels]:
    if isinstance(images, ImageRows):
        return images.blocks(BLOCK)
    return (images[start : start + BLOCK] for start in range(0, len(images), BLOCK))
