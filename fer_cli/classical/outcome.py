"""What a run of `fer svm` found of one classifier, as JSON and as rows."""

from __future__ import annotations

import dataclasses
import json
import statistics
from dataclasses import dataclass
from typing import Any

from fer_cli.analysis.evaluate import Evaluation
from fer_cli.analysis.scores import Scores
from fer_cli.classical.model import ClassicalModel
from fer_cli.classical.search import Search


@dataclass(frozen=True)
class Seconds:
    """Wall clock.

    features: of all train images. preparation: PCA and scaling. fit: of the classifier alone, on all train rows.
    predict: of all rows that were scored, with their features.
    """

    features: float
    preparation: float
    search: float
    fit: float
    predict: float


@dataclass(frozen=True)
class Outcome:
    """A classifier, how it was found, and its scores on the rows of `evaluation`.

    before: the scores of the same classifier with its defaults, not calibrated. columns: that the classifier saw.
    """

    model: ClassicalModel
    search: Search
    evaluation: Evaluation
    before: Scores
    train_rows: int
    columns: int
    seconds: Seconds

    def results(self) -> dict[str, Any]:
        """The evaluation's results, JSON-able, with what tells how the classifier came about."""
        return {
            "classifier": self.search.name,
            "model": str(self.model.path),
            **self.evaluation.results(),
            "parameters": None,
            "train_rows": self.train_rows,
            "features": self.model.features.text,
            "columns": self.columns,
            "best_parameters": self.search.settings[self.search.best],
            "before_tuning": dataclasses.asdict(self.before),
            "cross_validation": self.cross_validation(),
            "temperature": self.model.temperature,
            "seconds": self.seconds.preparation + self.seconds.search + self.seconds.fit,
            "seconds_of": dataclasses.asdict(self.seconds),
        }

    def cross_validation(self) -> dict[str, Any]:
        """Folds, fits, and the mean and deviation of the accuracy over the folds, of the best and of no tuning."""
        found = self.search
        return {
            "folds": found.folds.count,
            "grouped_by": found.folds.grouped_by,
            "rows": len(found.folds.rows),
            "settings": len(found.settings),
            "fits": len(found.cells),
            "accuracy": statistics.mean(found.accuracies(found.best)),
            "deviation": statistics.stdev(found.accuracies(found.best)),
            "accuracy_before_tuning": statistics.mean(found.accuracies(0)),
        }

    def cells(self) -> list[dict[str, Any]]:
        """A row for each fit of the search: its setting, fold (from 1) and scores."""
        return [
            {
                "setting": cell.setting,
                "parameters": json.dumps(self.search.settings[cell.setting], sort_keys=True),
                "round": cell.round + 1,
                "fold": cell.fold + 1,
                "rows": cell.rows,
                "accuracy": cell.accuracy,
                "macro_f1": cell.macro_f1,
                "seconds": cell.seconds,
                "best": int(cell.setting == self.search.best),
            }
            for cell in sorted(self.search.cells, key=lambda c: (c.setting, c.round, c.fold))
        ]
