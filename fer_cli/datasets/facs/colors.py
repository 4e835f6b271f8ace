"""RGB colours as plain tuples, 0..255, and mixing them."""

from __future__ import annotations

from collections.abc import Sequence

RGB = tuple[float, float, float]

#: Shares of the colours in a grey level (ITU-R BT.601, as OpenCV converts).
LUMA: RGB = (0.299, 0.587, 0.114)


def shade(color: RGB, factor: float) -> RGB:
    """A colour made darker (factor below 1) or lighter."""
    return color[0] * factor, color[1] * factor, color[2] * factor


def mix(first: RGB, second: RGB, share: float) -> RGB:
    """`share` (0..1) of the second colour, the rest of the first."""
    rest = 1.0 - share
    return (
        first[0] * rest + second[0] * share,
        first[1] * rest + second[1] * share,
        first[2] * rest + second[2] * share,
    )


def along(palette: Sequence[RGB], position: float) -> RGB:
    """The colour at `position` (0..1) of a palette whose neighbours blend into each other."""
    place = position * (len(palette) - 1)
    below = min(int(place), len(palette) - 2)
    return mix(palette[below], palette[below + 1], place - below)


def luma(color: RGB) -> float:
    """The grey level of a colour."""
    return LUMA[0] * color[0] + LUMA[1] * color[1] + LUMA[2] * color[2]
