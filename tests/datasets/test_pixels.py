import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fer_cli.datasets.pixels import parse_pixels
from fer_cli.errors import InputError


def parse(*rows: str, count: int) -> list[list[int]]:
    return parse_pixels([row.encode() for row in rows], count, lambda i: f"row {i}").tolist()


@given(st.integers(1, 6).flatmap(lambda n: st.lists(st.lists(st.integers(0, 255), min_size=n, max_size=n), min_size=1)))
def test_numbers_come_back(rows: list[list[int]]) -> None:
    assert parse(*(" ".join(map(str, row)) for row in rows), count=len(rows[0])) == rows


def test_every_value_is_read() -> None:
    assert parse(" ".join(map(str, range(256))), count=256) == [list(range(256))]


@pytest.mark.parametrize("text", ["1  2 3", " 1 2 3", "1 2 3 ", "001 02 3", "1\t2 3"])
def test_odd_spacing_and_leading_zeros_are_read(text: str) -> None:
    assert parse("7 8 9", text, count=3) == [[7, 8, 9], [1, 2, 3]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1 2", "expected 3 pixels. Received: 2"),
        ("1 2 3 4", "expected 3 pixels. Received: 4"),
        ("", "expected 3 pixels. Received: 0"),
        ("1 256 3", r"pixel 1: expected a whole number in 0\.\.255. Received: '256'"),
        ("1 2 300", "pixel 2: .*Received: '300'"),
        ("1 2 999", "pixel 2: .*Received: '999'"),
        ("1 1255 3", "pixel 1: .*Received: '1255'"),
        ("-1 2 3", "pixel 0: .*Received: '-1'"),
        ("1 2.5 3", "pixel 1: .*Received: '2.5'"),
        ("1 2 x", "pixel 2: .*Received: 'x'"),
        ("1 2 ³", "pixel 2: .*Received: '³'"),
    ],
)
@pytest.mark.parametrize("rows_before", [1, 40])
def test_a_faulty_row_is_named(text: str, message: str, rows_before: int) -> None:
    with pytest.raises(InputError, match=f"^row {rows_before}: {message}"):
        parse(*["4 5 6"] * rows_before, text, "7 8 9", count=3)


def test_a_missing_and_a_surplus_pixel_do_not_cancel_out() -> None:
    with pytest.raises(InputError, match=r"row 0: expected 3 pixels\. Received: 2"):
        parse("1 2", "3 4 5 6", count=3)


def test_values_are_bytes() -> None:
    assert parse_pixels([b"200 100"], 2, str).dtype == np.uint8
