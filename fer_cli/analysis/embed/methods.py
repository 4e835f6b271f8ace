"""From features to points of a plane or of space: t-SNE, principal components, UMAP."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.errors import MissingError, UsageError

Floats = npt.NDArray[np.float32]

_STOCK, _ACCELERATED = "scikit-learn", "scikit-learn-intelex"


@dataclass(frozen=True)
class Settings:
    """How features are embedded.

    dims: 2 or 3. perplexity: of t-SNE; UMAP takes it as its number of neighbours. accel: t-SNE by scikit-learn-intelex:
    True, False, or None for where it is installed and can.
    """

    dims: int = 2
    perplexity: float = 30.0
    seed: int = 0
    accel: bool | None = None


@dataclass(frozen=True)
class Projection:
    """points: float32 (N, dims). implementation: the package that found them. facts: what it says of them."""

    points: Floats
    implementation: str
    facts: Mapping[str, Any] = field(default_factory=dict)


#: Features float32 (N, D), not all rows alike -> their points.
Method = Callable[[Floats, Settings], Projection]


def project(method: Method, features: Floats, settings: Settings) -> Projection:
    """The points of features float32 (N, D). Raises `UsageError` where there are too few rows or columns for that."""
    count, width = features.shape
    if width < settings.dims or count <= settings.dims:
        raise UsageError(
            f"--dims {settings.dims}: expected more faces than that, and as many features. Received: {count:,} faces "
            f"with {width:,} features"
        )
    return method(features, settings)


def tsne(features: Floats, settings: Settings) -> Projection:
    """t-SNE with the Barnes-Hut approximation, from the first principal components on.

    van der Maaten and Hinton, "Visualizing data using t-SNE", JMLR 9, 2008; van der Maaten, "Accelerating t-SNE using
    tree-based algorithms", JMLR 15, 2014. The learning rate is N / 48 and the start is by PCA, which keeps large
    distances meaningful: Kobak and Berens, "The art of using t-SNE for single-cell transcriptomics", 2019.
    """
    if not settings.perplexity < len(features):
        raise UsageError(
            f"--perplexity {settings.perplexity:g}: expected less than the number of faces. Received: {len(features):,}"
        )
    build, implementation = _tsne(settings)
    model = build(
        n_components=settings.dims,
        perplexity=settings.perplexity,
        init="pca",
        learning_rate="auto",
        random_state=settings.seed,
    )
    points = model.fit_transform(features)
    facts = {"kl_divergence": float(model.kl_divergence_), "iterations": int(model.n_iter_)}
    return Projection(points.astype(np.float32), implementation, facts)


def _tsne(settings: Settings) -> tuple[Callable[..., Any], str]:
    """The class of t-SNE, and the package that does the work."""
    if settings.accel and settings.dims != 2:
        raise UsageError(f"--accel: expected --dims 2, the only one that it is for. Received: {settings.dims}")
    if settings.accel is not False and settings.dims == 2:
        try:
            return importlib.import_module("sklearnex.manifold").TSNE, _ACCELERATED
        except ImportError as error:
            if settings.accel:
                raise MissingError("--accel needs the extra accel: pip install 'fer-cli[accel]'") from error
    return importlib.import_module("sklearn.manifold").TSNE, _STOCK


def pca(features: Floats, settings: Settings) -> Projection:
    """The first principal components; the facts say which part of the variance they hold."""
    model = importlib.import_module("sklearn.decomposition").PCA(settings.dims, random_state=settings.seed)
    points = model.fit_transform(features)
    shares = [float(share) for share in model.explained_variance_ratio_]
    return Projection(points.astype(np.float32), _STOCK, {"variance_shares": shares})


def umap(features: Floats, settings: Settings) -> Projection:
    """UMAP, where the package umap-learn is installed.

    McInnes, Healy and Melville, "UMAP: Uniform manifold approximation and projection", 2018, arXiv:1802.03426.
    """
    try:
        package = importlib.import_module("umap")
    except ImportError as error:
        raise MissingError("--method umap needs a package: pip install umap-learn") from error
    neighbours = min(round(settings.perplexity), len(features) - 1)
    # Work that is shared by threads would not repeat itself.
    model = package.UMAP(
        n_components=settings.dims, n_neighbors=max(2, neighbours), random_state=settings.seed, n_jobs=1
    )
    points = np.asarray(model.fit_transform(features), np.float32)
    return Projection(points, "umap-learn", {"neighbours": max(2, neighbours)})
