"""Painting faces: polygons with OpenCV, then light and camera."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.colors import LUMA
from fer_cli.datasets.facs.face import Face, Faces, shapes
from fer_cli.datasets.facs.geometry import project
from fer_cli.datasets.facs.scene import Scene
from fer_cli.datasets.facs.shapes import Shape

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.floating[Any]]

#: Faces worked on at once, and how many pixels their canvases may have together.
_CHUNK = 64
_CHUNK_PIXELS = 1 << 24
#: A picture is painted this much larger, then reduced.
_OVERSAMPLING = 2
#: cv2 takes coordinates as integers with this many fractional bits.
_FRACTION_BITS = 4
#: The standard normal distribution in 256 equally likely steps: a random byte looks up a random number.
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256)], np.float32)


def draw_face(face: Face, size: int = 48, color: str = "gray") -> Image:
    """The picture of a face, uint8 (size, size, C): C is 1 for "gray", 3 (RGB) for "rgb". Same face, same picture."""
    picture: Image = draw_faces([face], size, color)[0]
    return picture


def draw_faces(faces: Sequence[Face], size: int = 48, color: str = "gray") -> Image:
    """The pictures of many faces, uint8 (N, size, size, C), each the same as `draw_face` makes it."""
    step = max(1, min(_CHUNK, _CHUNK_PIXELS // (size * _OVERSAMPLING) ** 2))
    chunks = [faces[start : start + step] for start in range(0, len(faces), step)]
    return np.concatenate([_draw_chunk(chunk, size, color) for chunk in chunks])


def _draw_chunk(faces: Sequence[Face], size: int, color: str) -> Image:
    rngs = [np.random.Generator(np.random.SFC64(face.scene.texture)) for face in faces]
    seen = [(face.scene, rng) for face, rng in zip(faces, rngs, strict=True)]
    canvases = [_backdrop(scene, size * _OVERSAMPLING, color, rng) for scene, rng in seen]
    _paint(canvases, Faces(faces))
    reduced = [cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA) for canvas in canvases]
    pictures = [_photograph(*view) for view in zip(reduced, faces, rngs, strict=True)]
    return np.stack(pictures).reshape(len(faces), size, size, -1)


def _paint(canvases: Sequence[Image], faces: Faces) -> None:
    """Fill the shapes of each face one over the other; canvases of one channel take the colours' luma."""
    layers, gray = shapes(faces), canvases[0].ndim == 2
    for layer, polygons in zip(layers, _pixels(layers, faces, len(canvases[0])), strict=True):
        colors = np.broadcast_to(layer.color, (len(faces), 3))
        inks = (colors @ LUMA[:, None] if gray else colors).tolist()
        for i in range(len(faces)) if layer.drawn is None else np.flatnonzero(layer.drawn).tolist():
            cv2.fillPoly(canvases[i], list(polygons[i]), inks[i], cv2.LINE_AA, _FRACTION_BITS)


def _pixels(layers: Sequence[Shape], faces: Faces, side: int) -> list[npt.NDArray[np.int32]]:
    """The polygons (N, K, M, 2) of each layer in fixed-point pixels, all projected at once."""
    extents = [(len(faces), *layer.polygons.shape[1:]) for layer in layers]
    points = [
        np.broadcast_to(layer.polygons, extent).reshape(len(faces), -1, 2)
        for layer, extent in zip(layers, extents, strict=True)
    ]
    counts = [part.shape[1] for part in points]
    relief = np.repeat([layer.relief for layer in layers], counts)
    corners = project(faces, np.concatenate(points, axis=1), relief, side) * (1 << _FRACTION_BITS)
    parts = np.split(np.rint(corners).astype(np.int32, order="C"), np.cumsum(counts)[:-1], axis=1)
    return [part.reshape(extent) for part, extent in zip(parts, extents, strict=True)]


def _backdrop(scene: Scene, side: int, color: str, rng: np.random.Generator) -> Image:
    """A coarse pattern of cells in shades of one colour, smooth or hard-edged: uint8 (side, side[, 3])."""
    base = rng.integers(20, 236) + 20.0 * rng.standard_normal(3)
    cells = np.clip(base + 32.0 * rng.standard_normal((scene.backdrop, scene.backdrop, 1)), 0.0, 255.0)
    if color == "gray":
        cells = cells @ LUMA
    edges = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    pattern: Image = cv2.resize(cells.astype(np.uint8), (side, side), interpolation=edges)
    return pattern


def _photograph(image: Image, face: Face, rng: np.random.Generator) -> Image:
    """Light, lens and sensor: uint8 (size, size[, 3]), the shape of `image`."""
    scene, size = face.scene, len(image)
    factor = scene.exposure * illumination(face, size)
    lit = image * (factor if image.ndim == 2 else factor[:, :, None])
    if scene.blur * size > 0.2:
        lit = cv2.GaussianBlur(lit, (0, 0), scene.blur * size)
    noise = cv2.LUT(np.frombuffer(rng.bytes(image.size), np.uint8).reshape(image.shape), scene.noise * _NORMAL)
    # Adds, rounds and cuts to 0..255 in one go.
    seen: Image = cv2.add(lit, noise, dtype=cv2.CV_8U)
    return seen


def illumination(face: Face, size: int) -> Field:
    """Factor (1 - s) + s · max(0, n·l) of the light on each grey level, float32 (size, size), 0..1.

    Lambert's law: s is the scene's `light_strength`, l points to the light, and n is the normal of a surface that
    bulges around the middle of the head and flattens far from it, so that the backdrop is lit too.
    """
    scene = face.scene
    x, y = _grid(size)
    u = (x - scene.shift_x) * (1.0 / (scene.scale * face.person.width))
    v = (y - scene.shift_y) * (1.0 / scene.scale)
    azimuth, elevation = math.radians(scene.light_azimuth), math.radians(scene.light_elevation)
    lx, ly = math.cos(elevation) * math.sin(azimuth), -math.sin(elevation)
    lz = math.cos(elevation) * math.cos(azimuth)
    cosine: Field = (lx * u + ly * v + lz) / np.sqrt(u * u + v * v + 1.0)
    return (1.0 - scene.light_strength) + scene.light_strength * np.maximum(cosine, 0.0)


@functools.lru_cache(maxsize=8)
def _grid(size: int) -> tuple[Field, Field]:
    """Pixel centres from the image's middle, as fractions of the side: (1, size) and (size, 1)."""
    axis = ((np.arange(size) + 0.5) / size - 0.5).astype(np.float32)
    return axis[None, :], axis[:, None]
