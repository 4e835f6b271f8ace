"""Faces and their expressions drawn into a picture: boxes, names, bars of probability."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli.live.engine import Seen

Pixels = npt.NDArray[np.uint8]
Color = tuple[int, int, int]

#: Okabe and Ito's palette as RGB, a colour a person, the lighter ones first: pictures are darker than paper.
_COLORS: tuple[Color, ...] = (
    (230, 159, 0), (86, 180, 233), (0, 158, 115), (240, 228, 66), (204, 121, 167), (213, 94, 0), (0, 114, 178),
)  # fmt: skip
_WHITE, _INK = (255, 255, 255), (20, 20, 20)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
#: Shorter side in pixels of a picture that lines one pixel wide and the font's own size suit.
_USUAL_SIDE = 560
#: Bars need this width, in heights of their lines; and a box needs this part of their height beside it.
_BAR_WIDTH, _BOX_PART = 8.0, 0.6
#: Part of a panel's width that is for the names of the classes.
_NAME_PART = 0.48
#: Share of the panel's pixels that stays the picture's own.
_CLEAR = 0.3


def draw(image: Pixels, faces: Sequence[Seen], class_names: Sequence[str], bars: bool = True) -> Pixels:
    """A copy of a picture uint8 (H, W, 3), RGB, in which each face has a box and the name of its expression.

    bars: probabilities of all classes beside each box, where there is room for them.
    """
    out = image.copy()
    scale = scale_of(image)
    for face in faces:
        color = _COLORS[(face.id - 1) % len(_COLORS)]
        left, top, right, bottom = _corners(face)
        cv2.rectangle(out, (left, top), (right, bottom), color, max(1, round(2 * scale)), cv2.LINE_AA)
        if bars and face.probabilities is not None:
            _draw_bars(out, face, class_names, color, scale)
        _draw_name(out, _name(face, class_names, len(faces) > 1), (left, top), color, scale)
    return out


def scale_of(image: Pixels) -> float:
    """How much larger than usual lines and letters are to be in a picture of this size."""
    return float(np.clip(min(image.shape[:2]) / _USUAL_SIDE, 0.45, 3.0))


def _corners(face: Seen) -> tuple[int, int, int, int]:
    x, y, width, height = face.box
    return round(x), round(y), round(x + width - 1), round(y + height - 1)


def _name(face: Seen, class_names: Sequence[str], numbered: bool) -> str:
    number = f"{face.id} " if numbered else ""
    if face.probabilities is None or face.label is None:
        return number.strip()
    return f"{number}{class_names[face.label]} {face.probabilities[face.label]:.0%}"


def _draw_name(image: Pixels, text: str, corner: tuple[int, int], color: Color, scale: float) -> None:
    """A line of text on a ground of the box's colour, above the corner, or below it at the picture's upper edge."""
    if not text:
        return
    size, weight = 0.55 * scale, max(1, round(1.2 * scale))
    (width, height), base = cv2.getTextSize(text, _FONT, size, weight)
    pad = round(4 * scale)
    tall = height + base + pad
    left = int(np.clip(corner[0] - 1, 0, max(0, image.shape[1] - width - 2 * pad)))
    top = corner[1] - tall if corner[1] >= tall else max(0, corner[1])
    cv2.rectangle(image, (left, top), (left + width + 2 * pad, top + tall), color, cv2.FILLED)
    cv2.putText(
        image, text, (left + pad, top + height + pad // 2 + 1), _FONT, size, _ink_on(color), weight, cv2.LINE_AA
    )


def _draw_bars(image: Pixels, face: Seen, class_names: Sequence[str], color: Color, scale: float) -> None:
    """A panel with a line a class, to the right of the box or to its left; none where neither has room."""
    assert face.probabilities is not None
    line = round(17 * scale)
    width, height = round(_BAR_WIDTH * line), line * len(class_names) + round(6 * scale)
    left, top, right, bottom = _corners(face)
    gap = round(6 * scale)
    if bottom - top < _BOX_PART * height or height > image.shape[0]:
        return
    x = right + gap if right + gap + width <= image.shape[1] else left - gap - width
    if x < 0:
        return
    y = int(np.clip(top, 0, image.shape[0] - height))
    panel = image[y : y + height, x : x + width]
    panel[...] = np.rint(_CLEAR * panel + (1 - _CLEAR) * np.array(_INK)).astype(np.uint8)
    pad, start = round(3 * scale), x + round(_NAME_PART * width)
    for row, (name, probability) in enumerate(zip(class_names, face.probabilities, strict=True)):
        above = y + pad + row * line
        end = start + round((x + width - pad - start) * float(probability))
        cv2.rectangle(image, (start, above + pad), (end, above + line - pad), color, cv2.FILLED)
        cv2.putText(image, name, (x + pad, above + round(0.72 * line)), _FONT, 0.4 * scale, _WHITE, 1, cv2.LINE_AA)


def _ink_on(color: Color) -> Color:
    """Black or white, whichever reads on a colour (luma of ITU-R BT.601)."""
    return _INK if 0.299 * color[0] + 0.587 * color[1] + 0.114 * color[2] > 120 else _WHITE
