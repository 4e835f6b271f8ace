"""Painting a face: polygons with OpenCV, then light and camera with numpy."""

from __future__ import annotations

import functools
import math
from statistics import NormalDist
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.datasets.facs.colors import LUMA, luma
from fer_cli.datasets.facs.face import Face, shapes
from fer_cli.datasets.facs.geometry import project
from fer_cli.datasets.facs.scene import Scene

Image = npt.NDArray[np.uint8]
Field = npt.NDArray[np.floating[Any]]

#: The picture is painted this much larger, then reduced.
_OVERSAMPLING = 2
#: cv2 takes coordinates as integers with this many fractional bits.
_FRACTION_BITS = 4
#: The standard normal distribution in 256 equally likely steps: a random byte looks up a random number.
_NORMAL = np.array([NormalDist().inv_cdf((step + 0.5) / 256) for step in range(256)], np.float32)


def draw_face(face: Face, size: int = 48, color: str = "gray") -> Image:
    """The picture of a face, uint8 (size, size, C): C is 1 for "gray", 3 (RGB) for "rgb". Same face, same picture."""
    rng = np.random.Generator(np.random.SFC64(face.scene.texture))
    canvas = _backdrop(face.scene, size * _OVERSAMPLING, color, rng)
    _paint(canvas, face)
    reduced: Image = cv2.resize(canvas, (size, size), interpolation=cv2.INTER_AREA)
    return _photograph(reduced.reshape(size, size, -1), face, rng)


def _backdrop(scene: Scene, side: int, color: str, rng: np.random.Generator) -> Image:
    """A coarse pattern of cells in shades of one colour, smooth or hard-edged: uint8 (side, side[, 3])."""
    base = rng.integers(20, 236) + 20.0 * rng.standard_normal(3)
    cells = np.clip(base + 32.0 * rng.standard_normal((scene.backdrop, scene.backdrop, 1)), 0.0, 255.0)
    if color == "gray":
        cells = cells @ LUMA
    edges = cv2.INTER_LINEAR if rng.random() < 0.7 else cv2.INTER_NEAREST
    pattern: Image = cv2.resize(cells.astype(np.uint8), (side, side), interpolation=edges)
    return pattern


def _paint(canvas: Image, face: Face) -> None:
    """Fill the shapes of a face one after the other; a canvas of one channel takes the colours' luma."""
    layers = shapes(face)
    counts = [layer.polygons.size // 2 for layer in layers]
    points = np.concatenate([layer.polygons.reshape(-1, 2) for layer in layers])
    relief = np.repeat([layer.relief for layer in layers], counts)
    pixels = np.rint(project(face, points, relief, len(canvas)) * (1 << _FRACTION_BITS)).astype(np.int32)
    start = 0
    for layer, count in zip(layers, counts, strict=True):
        ink = layer.color if canvas.ndim == 3 else luma(layer.color)
        polygons = pixels[start : start + count].reshape(layer.polygons.shape)
        cv2.fillPoly(canvas, list(polygons), ink, cv2.LINE_AA, _FRACTION_BITS)
        start += count


def _photograph(image: Image, face: Face, rng: np.random.Generator) -> Image:
    """Light, lens and sensor: uint8 (size, size, C) of the same shape."""
    scene, size = face.scene, len(image)
    lit = image * (scene.exposure * illumination(face, size))[:, :, None]
    sigma = scene.blur * size
    if sigma > 0.2:
        lit = cv2.GaussianBlur(lit, (0, 0), sigma).reshape(image.shape)
    if scene.noise:
        lit += scene.noise * _NORMAL[np.frombuffer(rng.bytes(lit.size), np.uint8)].reshape(lit.shape)
    return np.clip(lit, 0.0, 255.0).astype(np.uint8)


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
