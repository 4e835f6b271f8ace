import numpy as np
import pytest

from fer_cli.errors import InputError
from fer_cli.transform.adapt import adapt


@pytest.fixture
def ramp() -> np.ndarray:
    """Two grey images, 8×8: brightness grows by 16 a column."""
    row = np.arange(8, dtype=np.uint8) * 16
    return np.broadcast_to(row[None, None, :, None], (2, 8, 8, 1)).copy()


def test_fitting_images_come_back_uncopied(ramp: np.ndarray) -> None:
    assert adapt(ramp, (8, 8, 1)) is ramp


def test_shrinking_averages_each_area(ramp: np.ndarray) -> None:
    small = adapt(ramp, (4, 4, 1))
    assert small.shape == (2, 4, 4, 1)
    assert small[1, 2, :, 0].tolist() == [8, 40, 72, 104]


def test_a_checkerboard_does_not_alias() -> None:
    board = (np.indices((16, 16)).sum(0) % 2 * 200).astype(np.uint8)[None, ..., None]
    assert np.all(adapt(board, (4, 4, 1)) == 100)


def test_enlarging_keeps_order_and_range(ramp: np.ndarray) -> None:
    large = adapt(ramp, (20, 24, 1))
    assert large.shape == (2, 20, 24, 1)
    assert np.all(np.diff(large[0, 3, :, 0].astype(int)) >= 0)
    assert (large.min(), large.max()) == (0, 112)


def test_one_side_may_grow_while_the_other_shrinks(ramp: np.ndarray) -> None:
    assert adapt(ramp, (4, 16, 3)).shape == (2, 4, 16, 3)


def test_grey_to_rgb_repeats(ramp: np.ndarray) -> None:
    rgb = adapt(ramp, (8, 8, 3))
    assert all(np.array_equal(rgb[..., channel], ramp[..., 0]) for channel in range(3))
    assert np.array_equal(adapt(rgb, (8, 8, 1)), ramp)


def test_rgb_to_grey_is_luma_with_red_first() -> None:
    primaries = np.zeros((3, 1, 1, 3), np.uint8)
    primaries[[0, 1, 2], 0, 0, [0, 1, 2]] = 255
    assert adapt(primaries, (1, 1, 1)).ravel().tolist() == [round(255 * w) for w in (0.299, 0.587, 0.114)]


def test_no_images_stay_none() -> None:
    assert adapt(np.empty((0, 8, 8, 3), np.uint8), (4, 4, 1)).shape == (0, 4, 4, 1)


@pytest.mark.parametrize(("have", "want"), [(4, 3), (1, 2)])
def test_other_channels_are_refused(have: int, want: int) -> None:
    with pytest.raises(InputError, match="expected 1 or 3 channels"):
        adapt(np.zeros((1, 4, 4, have), np.uint8), (4, 4, want))
