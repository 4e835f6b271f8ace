"""Where the iris is: pictures of both eyes, level and of one size, and the point that their gradients point away from.

Timm and Barth, "Accurate eye centre localisation by means of gradients", VISAPP 2011.
"""

from __future__ import annotations

import functools
import math
from typing import Any, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.faces.detect import Pixels

Floats = npt.NDArray[np.float32]

#: Pixels of an eye's picture (height, width), even both ways, and how many of them the eyes are apart.
HEIGHT, WIDTH, EYE_DISTANCE = 24, 36, 50
#: The iris is looked for so far from the middle, across and down, in distances of the eyes.
_REACH_X, _REACH_Y = 0.24, 0.16
#: Gradients count that are longer than the mean of the picture's by so many standard deviations (0.3 in the paper).
_LONG = 0.3
#: What is brighter than this percentile of the picture is taken for as bright: gleams say nothing of the iris.
_BRIGHT = 70.0
#: The fine search looks so many pixels around the coarse one's answer.
_AROUND = 3


class EyeCentre(NamedTuple):
    """Middle of an iris.

    x, y: from the eye's landmark along and across the line of the eyes, in distances of the eyes, positive to the
    picture's right and down. strength: 0..1, how well the gradients agree on it.
    """

    x: float
    y: float
    strength: float


def eye_pictures(image: Pixels, eyes: npt.NDArray[np.floating[Any]]) -> Floats:
    """The left and the right eye of a picture uint8 (H, W, 3), RGB, as grey float32 (2, HEIGHT, WIDTH), 0..255.

    eyes: (2, 2) the left and the right one as the picture shows them, (x, y) in pixels. They come to lie in the middle,
    on one level, `EYE_DISTANCE` pixels apart. What lies beyond the picture repeats the pixels of its edge.
    """
    across = (eyes[1] - eyes[0]).astype(np.float64)
    step = across / EYE_DISTANCE
    down = np.array([-step[1], step[0]])
    # A picture that is made smaller is blurred first, lest fine detail turn into noise.
    shrink = math.hypot(*step)
    pictures = np.empty((2, HEIGHT, WIDTH), np.float32)
    for picture, eye in zip(pictures, eyes, strict=True):
        reach = math.ceil(shrink * math.hypot(WIDTH, HEIGHT) / 2) + 2
        left, top = (round(float(place)) - reach for place in eye)
        rows = image.take(range(top, top + 2 * reach + 1), axis=0, mode="clip")
        grey = cv2.cvtColor(rows.take(range(left, left + 2 * reach + 1), axis=1, mode="clip"), cv2.COLOR_RGB2GRAY)
        if shrink > 1.0:
            grey = cv2.GaussianBlur(grey, (0, 0), 0.5 * shrink)
        corner = eye - (left, top) - step * (WIDTH - 1) / 2 - down * (HEIGHT - 1) / 2
        back = np.column_stack([step, down, corner])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        picture[:] = cv2.warpAffine(grey.astype(np.float32), back, (WIDTH, HEIGHT), flags=flags)
    return pictures


def eye_centres(pictures: Floats) -> list[EyeCentre]:
    """The middle of the iris in each picture of `eye_pictures`, (N, HEIGHT, WIDTH).

    It is the point c that is highest in w(c) · mean of max(0, d·g)² over the long gradients g, where d is the unit
    vector from c to a gradient's place, and w is high where the blurred picture is dark. That d·g must be above 0, for
    a dark disc on a bright ground, is beyond the paper. It is looked for everywhere in the picture halved, then nearby
    in the picture itself. A glint in the pupil pushes it away by some hundredths of the distance of the eyes.
    """
    found = []
    for picture in pictures:
        picture = np.minimum(picture, np.percentile(picture, _BRIGHT))
        coarse = _halved(picture)
        allowed = _allowed(*coarse.shape)
        scores = _objective(coarse, allowed)
        row, column = 2 * allowed[scores.argmax()] + 0.5
        nearby = _window(round(row), round(column))
        found.append(_peak(_objective(picture, nearby), nearby))
    return found


def _halved(picture: Floats) -> Floats:
    height, width = picture.shape
    small: Floats = cv2.resize(picture, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    return small


@functools.cache
def _allowed(height: int, width: int) -> npt.NDArray[np.int64]:
    """Candidates (row, column) of the coarse search, (C, 2): an ellipse around the middle."""
    rows, columns = np.mgrid[:height, :width]
    unit = EYE_DISTANCE * width / WIDTH
    down, across = (rows - (height - 1) / 2) / unit, (columns - (width - 1) / 2) / unit
    return np.argwhere((across / _REACH_X) ** 2 + (down / _REACH_Y) ** 2 <= 1.0)


@functools.cache
def _window(row: int, column: int) -> npt.NDArray[np.int64]:
    """Candidates (row, column) of the fine search, row by row: a square, (C, 2)."""
    sides = np.arange(-_AROUND, _AROUND + 1)
    rows, columns = np.meshgrid(row + sides, column + sides, indexing="ij")
    return np.column_stack([rows.ravel(), columns.ravel()])


def _objective(picture: Floats, candidates: npt.NDArray[np.int64]) -> Floats:
    """The paper's objective at candidates (C, 2), as float32 (C,), 0..1."""
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1)
    length = np.hypot(across, down)
    places = np.argwhere(length > length.mean() + _LONG * length.std())
    if not len(places):
        return np.zeros(len(candidates), np.float32)
    rows, columns = places.T
    away_y = (places[:, 0] - candidates[:, :1]).astype(np.float32)
    away_x = (places[:, 1] - candidates[:, 1:]).astype(np.float32)
    cosine = (away_x * across[rows, columns] + away_y * down[rows, columns]) / length[rows, columns]
    cosine /= np.maximum(np.hypot(away_x, away_y), 1e-6)
    agreement: Floats = (np.maximum(cosine, 0.0) ** 2).mean(axis=1)
    smooth = cv2.GaussianBlur(picture, (0, 0), picture.shape[1] / WIDTH * 1.5)
    low, high = float(smooth.min()), float(smooth.max())
    darkness = (high - smooth[candidates[:, 0], candidates[:, 1]]) / max(high - low, 1.0)
    objective: Floats = agreement * darkness
    return objective


def _peak(scores: Floats, nearby: npt.NDArray[np.int64]) -> EyeCentre:
    """The highest point of a square of scores, between the pixels by a parabola each way."""
    best, side = int(scores.argmax()), 2 * _AROUND + 1
    grid = scores.reshape(side, side)
    row, column = divmod(best, side)
    y = float(nearby[best, 0]) + _between(grid[:, column], row)
    x = float(nearby[best, 1]) + _between(grid[row], column)
    middle_x, middle_y = (WIDTH - 1) / 2, (HEIGHT - 1) / 2
    return EyeCentre((x - middle_x) / EYE_DISTANCE, (y - middle_y) / EYE_DISTANCE, float(scores[best]))


def _between(line: Floats, place: int) -> float:
    """How far from `place` the parabola through it and its neighbours has its top, -0.5..0.5."""
    if not 0 < place < len(line) - 1:
        return 0.0
    before, top, after = (float(value) for value in line[place - 1 : place + 2])
    bend = before - 2 * top + after
    return 0.0 if bend >= 0 else min(max(0.5 * (before - after) / bend, -0.5), 0.5)
