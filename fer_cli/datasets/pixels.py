"""Pixels written as decimal numbers: parsing many rows of text at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fer_cli.errors import InputError

Pixels = npt.NDArray[np.uint8]

#: Digits of the largest value, 255.
_WIDTH = 3
#: Few enough for the intermediate arrays to stay in the processor's cache: a third faster than 256 rows of 48×48.
_ROWS_AT_ONCE = 32


def parse_pixels(texts: Sequence[bytes], count: int, where: Callable[[int], str]) -> Pixels:
    """Rows of `count` numbers 0..255 separated by spaces, as uint8 (len(texts), count).

    where: names row i for an error. Raises `InputError` for the first row with another count, or with anything that is
    no whole number in 0..255.
    """
    out = np.empty((len(texts), count), np.uint8)
    for start in range(0, len(texts), _ROWS_AT_ONCE):
        part = texts[start : start + _ROWS_AT_ONCE]
        values = _parse_plain(part, count)
        if values is None:
            # Something is unusual: look row by row, which finds the fault, or reads what is merely laid out oddly.
            values = np.array([_parse_row(text, count, where(i)) for i, text in enumerate(part, start)], np.uint8)
        out[start : start + len(part)] = values.reshape(len(part), count)
    return out


def _parse_plain(texts: Sequence[bytes], count: int) -> Pixels | None:
    """The values of rows with single spaces and no fault, else None.

    Works on whole arrays: a number ends before each space, and its digits are the bytes before that.
    """
    # The spaces in front stand in for digits before the first number.
    characters = np.frombuffer(b" " * _WIDTH + b" ".join(texts) + b" ", np.uint8)
    # Counted from the place of a possible hundreds digit, so that the three slices below share one index.
    starts = np.flatnonzero(characters[_WIDTH:] == ord(" "))
    row_ends = np.cumsum([len(text) + 1 for text in texts]) - 1
    if len(starts) != count * len(texts) or not np.array_equal(starts[count - 1 :: count], row_ends):
        return None
    digits = characters - np.uint8(ord("0"))  # a space becomes 240
    hundreds, tens, ones = (digits[place:].take(starts) for place in range(_WIDTH))
    has_tens = tens <= 9
    has_hundreds = has_tens & (hundreds <= 9)
    # Each character is a space or a digit, each number has a last digit and at most two more: the sums must agree.
    taken = len(starts) + np.count_nonzero(has_tens) + np.count_nonzero(has_hundreds)
    written = len(characters) - _WIDTH - len(starts)
    if ones.max() > 9 or not taken == written == np.count_nonzero(digits <= 9):
        return None
    below_hundred = ones + tens * (has_tens * np.uint8(10))
    hundreds *= has_hundreds
    values = below_hundred + hundreds * np.uint8(100)
    # Sums beyond 255 wrap round, which shows as a decrease.
    return None if hundreds.max() > 2 or (values < below_hundred).any() else values


def _parse_row(text: bytes, count: int, name: str) -> list[int]:
    words = text.split()
    if len(words) != count:
        raise InputError(f"{name}: expected {count} pixels. Received: {len(words)}")
    # Zeros in front mean nothing; Python refuses to make an int of thousands of digits.
    digits = [word.lstrip(b"0") or b"0" for word in words]
    for position, (word, short) in enumerate(zip(words, digits, strict=True)):
        if not (word.isdigit() and len(short) <= _WIDTH and int(short) <= 255):
            shown = word[:20].decode("utf-8", "replace")
            raise InputError(f"{name}: pixel {position}: expected a whole number in 0..255. Received: {shown!r}")
    return [int(short) for short in digits]
