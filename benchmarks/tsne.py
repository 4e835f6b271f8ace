"""What `fer tsne` takes for FER2013's training split: t-SNE of 28,709 × 512 features, and the numbers beside it.

The features are drawn: seven classes of FER2013's sizes, each several clouds in 40 of 512 dimensions, overlapping about
as a network's do, rectified as after a ReLU, with noise in all. Baseline of the ratio: scikit-learn's own t-SNE of the
same features, on a part of the rows, where it takes minutes and not half an hour; both are measured there one after the
other.

    python benchmarks/tsne.py            some 10 minutes on two cores; goal: under 6 minutes with scikit-learn-intelex
    python benchmarks/tsne.py 28709 0    without the baseline
"""

from __future__ import annotations

import os
import sys
import time

import numpy as np

from fer_cli.analysis.embed import quality
from fer_cli.analysis.embed.methods import Projection, Settings, tsne

#: Rows of each class in FER2013's Training.
COUNTS = (3995, 436, 4097, 7215, 4830, 3171, 4965)
WIDTH, USED, CLOUDS = 512, 40, 6
BASELINE_ROWS = 4000
GOAL_SECONDS = 360.0


def main(rows: int = sum(COUNTS), baseline_rows: int = BASELINE_ROWS) -> None:
    features, labels = drawn(rows)
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores; {rows:,} × {WIDTH}", flush=True)
    if baseline_rows:
        compare(features[:baseline_rows])
    found, embedding = timed(features, Settings())
    measuring = measured(features, labels, found)
    verdict = "met" if embedding + measuring <= GOAL_SECONDS else "missed"
    print(f"{embedding + measuring:.0f} s in all; goal {GOAL_SECONDS:.0f} s: {verdict}")


def compare(features: np.ndarray) -> None:
    """Both implementations on the same rows."""
    (fast, seconds), (slow, longer) = (timed(features, Settings(accel=accel)) for accel in (True, False))
    trust = [quality.trustworthiness(features, quality.nearest(one.points, 10)) for one in (fast, slow)]
    print(
        f"scikit-learn takes {longer / seconds:.1f} times as long; trustworthiness {trust[0]:.4f}, its {trust[1]:.4f}"
    )


def measured(features: np.ndarray, labels: np.ndarray, found: Projection) -> float:
    """Print the numbers beside the picture; the seconds that they take."""
    start = time.perf_counter()
    near = quality.nearest(found.points, quality.NEIGHBOURS)
    trusted = quality.trustworthiness(features, near)
    by_features = quality.separation(features, quality.nearest(features, quality.NEIGHBOURS), labels, len(COUNTS))
    by_points = quality.separation(found.points, near, labels, len(COUNTS))
    seconds = time.perf_counter() - start
    named = [np.trace(space.counts) / len(labels) for space in (by_features, by_points)]
    print(
        f"measuring it: {seconds:.1f} s; trustworthiness {trusted:.4f}, named by neighbours {named[0]:.4f} by features "
        f"and {named[1]:.4f} by points"
    )
    return seconds


def drawn(rows: int) -> tuple[np.ndarray, np.ndarray]:
    """Features float32 (rows, WIDTH) and labels (rows,), shuffled."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.repeat(np.arange(len(COUNTS), dtype=np.uint8), COUNTS))[:rows]
    centres = rng.normal(0, 0.7, (len(COUNTS), CLOUDS, USED)) + rng.normal(0, 0.6, (len(COUNTS), 1, USED))
    inner = centres[labels, rng.integers(0, CLOUDS, rows)] + rng.normal(0, 2.0, (rows, USED))
    mixed = inner @ rng.normal(0, 1 / np.sqrt(USED), (USED, WIDTH)) + rng.normal(0, 0.2, (rows, WIDTH))
    return np.maximum(0, mixed).astype(np.float32), labels


def timed(features: np.ndarray, settings: Settings) -> tuple[Projection, float]:
    """The points, and the seconds that they took."""
    wall, cpu = time.perf_counter(), time.process_time()
    found = tsne(features, settings)
    seconds = time.perf_counter() - wall
    work = time.process_time() - cpu
    print(f"{len(features):,} rows, {found.implementation}: {seconds:.1f} s, {work:.1f} s of CPU", flush=True)
    return found, seconds


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
