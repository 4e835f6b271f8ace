"""scikit-learn-intelex for the fits that it makes faster, and the way back to scikit-learn's own classes.

What oneDAL learns is copied into scikit-learn's estimator before it is saved, so that a file needs no extra. Kernel
machines alone are taken over: they are what takes minutes. They also predict by scikit-learn's code, since a few
predictions of oneDAL's, in single precision, are others.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
from sklearn.svm import SVC

from fer_cli.errors import MissingError

#: What libsvm's prediction reads, beside the parameters and what its oneDAL twin has under the same name.
_SHARED = ("classes_", "class_weight_", "n_features_in_", "shape_fit_", "fit_status_", "_sparse", "_gamma")
_INTEGERS = ("support_", "_n_support", "n_iter_")
_FLOATS = ("support_vectors_", "dual_coef_", "_dual_coef_", "intercept_", "_intercept_")


def load() -> None:
    """Raise `MissingError` where scikit-learn-intelex is not installed."""
    try:
        importlib.import_module("sklearnex.svm")
    except ImportError as error:
        raise MissingError("--accel needs the extra accel: pip install 'fer-cli[accel]'") from error


def covers(model: Any) -> bool:
    """Whether a classifier has a twin."""
    return type(model) is SVC


def twin(model: Any) -> Any:
    """An unfitted twin of oneDAL with the same parameters; the model itself where there is none."""
    if not covers(model):
        return model
    return importlib.import_module("sklearnex.svm").SVC(**model.get_params())


def stock(model: Any) -> Any:
    """A fitted `twin` as scikit-learn's own estimator, without a trace of the other; else the model itself."""
    if type(model).__module__.startswith("sklearn."):
        return model
    own = SVC(**{name: value for name, value in model.get_params().items() if name in SVC().get_params()})
    for name in _SHARED:
        setattr(own, name, getattr(model, name))
    for name in _INTEGERS:  # libsvm's C code takes int32
        setattr(own, name, np.asarray(getattr(model, name), np.int32))
    for name in _FLOATS:
        setattr(own, name, np.ascontiguousarray(getattr(model, name), np.float64))
    own._num_iter, own._effective_probability = own.n_iter_, False
    own._probA = own._probB = np.empty(0)
    return own
