"""Embedded faces as NumPy archives.

embedding.npz: points float32 (N, dims); labels and predictions uint8 (N,), which index class_names; probabilities
float32 (N, K); sources (N,), text; rows int64 (N,) within the split; centroids float64 (K, dims). features.npz:
features float32 (N, D), sources and rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_cli import files
from fer_cli.analysis.embed.study import Embedded, Faces


def write_points(embedded: Embedded, path: Path) -> None:
    """Write `embedding.npz`."""
    faces = embedded.faces
    with files.atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            points=embedded.projection.points,
            labels=faces.labels,
            predictions=faces.predictions.astype(np.uint8),
            probabilities=faces.features.probabilities,
            class_names=np.array(faces.class_names),
            sources=np.array(faces.sources),
            rows=faces.index.astype(np.int64),
            centroids=embedded.centroids,
        )


def write_features(faces: Faces, path: Path) -> None:
    """Write `features.npz`."""
    with files.atomic_path(path) as temporary:
        np.savez_compressed(
            temporary,
            features=faces.features.values,
            sources=np.array(faces.sources),
            rows=faces.index.astype(np.int64),
        )
