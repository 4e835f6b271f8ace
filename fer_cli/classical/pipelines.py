"""Classical classifiers as scikit-learn pipelines: PCA where the features ask for it, scaling, classifier.

PCA sees the features as they are: pixels share a unit, and the number of components that hold a part of their variance
is the published one. Its components, like other features, are then brought to mean 0 and deviation 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, LinearSVC

from fer_cli import catalog

#: What is searched by default: values of the classifier's parameters. `scale` and `auto` are 1 / columns here.
GRIDS: dict[str, dict[str, list[Any]]] = {
    "svm-rbf": {"C": [1, 3, 10, 100], "gamma": ["auto", 0.001, 0.003, 0.03]},
    "svm-linear": {"C": [0.0001, 0.001, 0.01, 0.1, 1]},
    "svm-poly": {"C": [0.1, 1, 10], "degree": [2, 3], "coef0": [0, 1]},
    "logistic": {"C": [0.0001, 0.001, 0.01, 0.1, 1]},
    "forest": {"n_estimators": [200], "min_samples_leaf": [1, 3, 10], "max_features": ["sqrt", 0.3]},
    "knn": {"n_neighbors": [1, 5, 15, 40], "weights": ["uniform", "distance"]},
}

#: Iterations after which a linear model is taken as it is: its accuracy no longer moves then.
_LINEAR_STEPS = 5000
#: Megabytes of kernel rows that libsvm keeps.
_KERNEL_CACHE = 1000
#: Below this, a probability has no meaningful logarithm: float32's epsilon.
_LEAST = float(np.finfo(np.float32).eps)

Floats = npt.NDArray[np.floating]
Parameters = Mapping[str, Any]


def svm_rbf(seed: int) -> BaseEstimator:
    """Support vectors with the kernel exp(-gamma |x - y|²); `kernel` is a parameter too. Cortes and Vapnik, 1995."""
    return SVC(kernel="rbf", break_ties=True, cache_size=_KERNEL_CACHE, random_state=seed)


def svm_poly(seed: int) -> BaseEstimator:
    """Support vectors with the kernel (gamma x·y + coef0)^degree."""
    return SVC(kernel="poly", break_ties=True, cache_size=_KERNEL_CACHE, random_state=seed)


def svm_linear(seed: int) -> BaseEstimator:
    """A linear support vector machine, one class against the rest. Fan et al., "LIBLINEAR", JMLR 9, 2008."""
    return LinearSVC(dual="auto", max_iter=_LINEAR_STEPS, random_state=seed)


def logistic(seed: int) -> BaseEstimator:
    """Multinomial logistic regression with an L2 penalty of 1/C, by L-BFGS."""
    return LogisticRegression(max_iter=_LINEAR_STEPS, random_state=seed)


def forest(seed: int) -> BaseEstimator:
    """Trees on bootstrap samples that split on the best of some columns. Breiman, "Random forests", 2001."""
    return RandomForestClassifier(random_state=seed)


def knn(_seed: int) -> BaseEstimator:
    """The classes of the nearest train rows, by Euclidean distance; nothing is random."""
    # A tree helps in few dimensions only, and a file of arrays alone is a safer one.
    return KNeighborsClassifier(algorithm="brute")


def classifier(name: str, seed: int, parameters: Parameters, jobs: int | None = None) -> BaseEstimator:
    """The classifier `name` of `catalog.CLASSIFIERS`, with parameters beyond its defaults.

    jobs: cores, where it can use several; None for one. Raises `UsageError` for a name that is not known.
    """
    built = catalog.find(catalog.CLASSIFIERS, name, "classifier")(seed)
    if isinstance(built, RandomForestClassifier | KNeighborsClassifier):
        built.set_params(n_jobs=jobs)
    return built.set_params(**parameters)


def preparation(pca: float | None, rows: int, seed: int) -> Pipeline:
    """The steps before the classifier. pca: part of the variance below 1, or a count. rows: how many it will see."""
    scaling = [("scale", StandardScaler())]
    if pca is None:
        return Pipeline(scaling)
    # The covariance is the quicker way whenever there are more rows than columns, and exact for a part of the variance.
    solver = "full" if rows < 1000 else "covariance_eigh"
    return Pipeline([("pca", PCA(pca, svd_solver=solver, random_state=seed)), *scaling])


def logits(fitted: Any, x: Floats, classes: int) -> npt.NDArray[np.float64]:
    """What a fitted classifier or pipeline says of rows (N, D), as float64 (N, classes): the highest is its prediction.

    Decision values of a support vector machine, the logarithm of all others' probabilities; -inf for a class that the
    classifier has never seen.
    """
    if hasattr(fitted, "decision_function") and not hasattr(fitted, "predict_proba"):
        values = np.asarray(fitted.decision_function(x), np.float64)
        if values.ndim == 1:  # of two classes there is one value
            values = np.stack([-values, values], axis=1) / 2
    else:
        values = np.log(np.maximum(np.asarray(fitted.predict_proba(x), np.float64), _LEAST))
    out = np.full((len(x), classes), -np.inf)
    out[:, np.asarray(fitted.classes_, np.intp)] = values
    return out
