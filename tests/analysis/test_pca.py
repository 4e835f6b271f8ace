"""Principal components against numpy's, and on rows whose components are planted."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from fer_cli.analysis import pca

SIZE = 40


def moments(rows: npt.NDArray[np.uint8], step: int = 700) -> pca.Moments:
    found = pca.Moments(rows.shape[1])
    for start in range(0, len(rows), step):
        found.add(rows[start : start + step])
    return found


def planted(amplitudes: tuple[int, ...], size: int = SIZE) -> npt.NDArray[np.uint8]:
    """Every combination of pixel i being 128 ± amplitude i once, so the pixels vary independently; the rest is 128."""
    count = len(amplitudes)
    signs = 2 * (np.arange(2**count)[:, None] >> np.arange(count) & 1) - 1
    rows = np.full((2**count, size), 128)
    rows[:, :count] += signs * amplitudes
    return rows.astype(np.uint8)


@pytest.mark.parametrize("count", [1, 700, 2500])
def test_the_covariance_is_that_of_numpy(count: int) -> None:
    rows = np.random.default_rng(count).integers(0, 256, (count, SIZE), np.uint8)
    expected = np.cov(rows.astype(float), rowvar=False, bias=True)
    np.testing.assert_allclose(moments(rows).covariance(), expected, atol=1e-9)


def test_the_sums_are_exact_at_the_ends_of_the_range() -> None:
    rows = np.repeat(np.array([0, 255], np.uint8)[:, None], SIZE, axis=1).repeat(2048, axis=0)
    assert (moments(rows).covariance() == 127.5**2).all()


def test_rows_may_be_added_after_a_covariance_was_taken() -> None:
    rows = np.random.default_rng(1).integers(0, 256, (300, SIZE), np.uint8)
    found = moments(rows[:100])
    found.covariance()
    found.add(rows[100:])
    assert found.covariance().tolist() == moments(rows).covariance().tolist()


def test_parts_pool_to_the_whole() -> None:
    rows = np.random.default_rng(2).integers(0, 256, (1500, SIZE), np.uint8)
    pooled = pca.Moments.pooled([moments(rows[:1100]), moments(rows[1100:]), pca.Moments(SIZE)])
    assert pooled.count == 1500
    assert pooled.covariance().tolist() == moments(rows).covariance().tolist()


def test_planted_components_are_counted() -> None:
    found = pca.variances(moments(planted((30,) * 10)).covariance())
    np.testing.assert_allclose(found, [900.0] * 10 + [0.0] * 30, atol=1e-9)
    shares = {0.05: 1, 0.1: 1, 0.11: 2, 0.9: 9, 0.95: 10, 1.0: 10}
    assert {share: pca.components_for(found, share) for share in shares} == shares


def test_the_first_components_are_those_planted() -> None:
    values, vectors = pca.leading(moments(planted((10, 60, 30, 90))).covariance(), 3)
    np.testing.assert_allclose(values, [8100, 3600, 900])
    # The largest entry is positive, whatever sign Lanczos' method came upon.
    np.testing.assert_allclose(vectors, np.eye(SIZE)[[3, 1, 2]], atol=1e-9)


def test_no_more_components_than_there_are() -> None:
    assert len(pca.leading(moments(planted((20, 50))).covariance(), 8)[0]) == 2
    values, vectors = pca.leading(np.zeros((SIZE, SIZE)), 3)
    assert values.shape == (0,)
    assert vectors.shape == (0, SIZE)


def test_rows_without_variance_need_no_components() -> None:
    none = pca.variances(moments(np.full((5, SIZE), 7, np.uint8)).covariance())
    assert pca.components_for(none, 0.9) == 0
    assert (pca.cumulative(none) == 1).all()
