"""`predictions.csv`: what a model said of every row, so that results can be compared row by row.

Columns: source, label, prediction (class names), correct (1 or 0), p_CLASS for each class (six decimals).
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fer_cli import files
from fer_cli.errors import InputError

FILE = "predictions.csv"
COLUMNS = ("source", "label", "prediction", "correct")


@dataclass(frozen=True)
class Predictions:
    """Source, given label and whether the prediction was right, row by row (N each)."""

    sources: list[str]
    labels: list[str]
    correct: npt.NDArray[np.bool_]


def write_predictions(
    path: Path,
    class_names: Sequence[str],
    sources: Sequence[str],
    labels: npt.NDArray[np.integer],
    probabilities: npt.NDArray[np.floating],
) -> None:
    """Write the table. labels: (N,) index into `class_names`. probabilities: (N, K); the highest is the prediction."""
    with files.atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow([*COLUMNS, *(f"p_{name}" for name in class_names)])
        for source, label, row in zip(sources, labels, probabilities, strict=True):
            predicted = int(row.argmax())
            head = [source, class_names[label], class_names[predicted], int(predicted == label)]
            writer.writerow([*head, *(f"{p:.6f}" for p in row)])


def read_predictions(path: Path) -> Predictions:
    """Read the table again; `InputError` names the line that is not as it should be."""
    sources, labels, correct = [], [], []
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            reader = csv.reader(stream)
            header = tuple(next(reader, ()))
            if header[: len(COLUMNS)] != COLUMNS:
                raise InputError(f"{path}: expected the columns {', '.join(COLUMNS)}, … Received: {', '.join(header)}")
            for row in reader:
                if len(row) != len(header) or row[3] not in ("0", "1"):
                    raise InputError(
                        f"{path}: line {reader.line_num}: expected {len(header)} values, the fourth 0 or 1. "
                        f"Received: {len(row)} values, {', '.join(row[:4])}"
                    )
                sources.append(row[0])
                labels.append(row[1])
                correct.append(row[3] == "1")
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: not a readable predictions table ({error})") from error
    return Predictions(sources, labels, np.array(correct, bool))
