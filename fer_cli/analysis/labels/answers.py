"""What was said of the rows of a split, by one model or by the networks of a cross-validation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fer_cli import files
from fer_cli.analysis.evaluate import evaluate
from fer_cli.store.reader import Dataset

if TYPE_CHECKING:  # a classical model needs no Keras
    from fer_cli.models import Scorer


@dataclass(frozen=True)
class Answers:
    """What was said of the N rows of a split.

    labels: (N,), index into the K class names. probabilities: (N, K). protocol: how they came about, for the reader of
    a table. models: files, empty for a cross-validation, of which cross_validation has the details. warnings: what
    makes the answers doubtful.
    """

    class_names: tuple[str, ...]
    split: str
    sources: list[str]
    labels: npt.NDArray[np.uint8]
    probabilities: npt.NDArray[np.float32]
    protocol: str
    models: list[str] = field(default_factory=list)
    cross_validation: dict[str, Any] | None = None
    warnings: list[str] = field(default_factory=list)


def answers_of(model: Scorer, dataset: Dataset, split: str, batch_size: int, advance: Callable[[int], None]) -> Answers:
    """Ask one model about a split; there is a warning where it was trained on these rows. Raises as `evaluate`."""
    found = evaluate([model], dataset, split, batch_size=batch_size, advance=advance)
    warnings = [member.warning for member in found.members if member.warning]
    if split == "train" and model.metadata.get("dataset", {}).get("sha256") == files.sha256(dataset.path):
        warnings.append(
            f"{model.path} was trained on these rows and repeats their labels, wrong ones too; "
            "--cross-validate asks networks that have not seen them"
        )
    return Answers(
        class_names=found.class_names,
        split=split,
        sources=found.sources,
        labels=found.labels,
        probabilities=found.probabilities,
        protocol=found.protocol,
        models=[str(model.path)],
        warnings=warnings,
    )
