"""Any model file as what gives probabilities: a network, a classical model, a network in another runtime's format."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from fer_cli.runtimes import litert, onnx

if TYPE_CHECKING:
    from fer_cli.models import Scorer

#: The ending of `fer_cli.classical.archive`, which is not imported for it: with scikit-learn and skops it takes as long
#: as Keras and TensorFlow do, and a network has no use for either, nor a classical model for those.
_CLASSICAL = ".skops"


def load_scorer(path: Path, classes: Sequence[str] | None = None) -> Scorer:
    """Load a model of any kind, told apart by the ending of its name.

    classes: names of the outputs of a network without our metadata. Raises `InputError` for what cannot be used,
    `MissingError` where its runtime is not installed.
    """
    if path.suffix == _CLASSICAL:
        from fer_cli.classical.model import load_classical

        return load_classical(path)
    if path.suffix == onnx.SUFFIX:
        return onnx.load_onnx(path, classes)
    if path.suffix == litert.SUFFIX:
        return litert.load_litert(path, classes)
    from fer_cli.models import load_model

    return load_model(path, classes)
