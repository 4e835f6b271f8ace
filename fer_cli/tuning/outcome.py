"""What a study found: its trials as rows, the best of them, and which parameters mattered."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from optuna import Study
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from fer_cli.errors import FerError
from fer_cli.tuning import notes
from fer_cli.tuning.plan import Measure
from fer_cli.tuning.space import Label

_STATES = {TrialState.COMPLETE: "complete", TrialState.PRUNED: "pruned", TrialState.FAIL: "failed"}
#: Complete trials below which an analysis of variance says nothing.
_ENOUGH = 4


@dataclass(frozen=True)
class Row:
    """A trial that has ended.

    state: "complete", "pruned" or "failed". accuracy: on the val rows, 0..1, of the best epoch, by the plan's measure;
    of a pruned trial that of its best epoch until then; None where none was scored. epochs: that were scored. seconds:
    from begin to end. drawn: the parameters as the study stores them. reason: why it failed, or diverged.
    """

    number: int
    state: str
    accuracy: float | None
    best_epoch: int | None
    epochs: int
    seconds: float
    drawn: dict[str, Label]
    reason: str | None
    run: str

    def as_dict(self, measure: Measure) -> dict[str, Any]:
        """For trials.csv: one flat row."""
        return {
            "number": self.number,
            "state": self.state,
            measure.column: self.accuracy,
            "best_epoch": self.best_epoch,
            "epochs": self.epochs,
            "seconds": self.seconds,
            **self.drawn,
            "reason": self.reason or "",
        }


@dataclass(frozen=True)
class Outcome:
    """A finished search.

    val_rows: n of the accuracies. measure: what these are. importance: part of the variance of the complete trials'
    accuracies that each parameter alone explains, normalised to a sum of 1; empty where they are too few or all alike.
    """

    rows: tuple[Row, ...]
    val_rows: int
    measure: Measure
    importance: dict[str, float]

    @property
    def best(self) -> Row:
        """The complete trial with the highest accuracy, the first of equals."""
        return max(
            (row for row in self.rows if row.state == "complete"), key=lambda row: (row.accuracy or 0.0, -row.number)
        )

    def count(self, state: str) -> int:
        """Trials that ended so."""
        return sum(row.state == state for row in self.rows)

    @property
    def standard_error(self) -> float:
        """Of the best accuracy, as a binomial proportion of n rows."""
        accuracy = self.best.accuracy or 0.0
        return math.sqrt(accuracy * (1 - accuracy) / self.val_rows)

    @property
    def equals(self) -> int:
        """Other complete trials within one standard error of the best."""
        floor = (self.best.accuracy or 0.0) - self.standard_error
        return sum(row.state == "complete" and (row.accuracy or 0.0) >= floor for row in self.rows) - 1

    def results(self, flags: list[str], command: str) -> dict[str, Any]:
        """For the record, JSON-able. flags, command: of `fer train`, for the best trial."""
        best, complete = self.best, self.count("complete")
        return {
            "measure": self.measure.title,
            "trials": {state: self.count(state) for state in _STATES.values()},
            "best": {
                "trial": best.number,
                "val": {
                    "n": self.val_rows,
                    self.measure.column: best.accuracy,
                    "standard_error": self.standard_error,
                },
                "best_epoch": best.best_epoch,
                "parameters": best.drawn,
                "flags": flags,
                "command": command,
            },
            "equals": self.equals,
            "selection": f"the best of {complete} complete trials and its best epoch were chosen on the same "
            f"{self.val_rows:,} val rows; within one standard error ({self.standard_error:.4f}) of it: {self.equals} "
            "others; score the test rows once, with the final model",
            "importance": self.importance,
        }


def _row_of(trial: FrozenTrial) -> Row:
    """A trial that has ended, as a row."""
    scores = trial.intermediate_values
    best_epoch = max(scores, key=lambda epoch: (scores[epoch], -epoch), default=None)
    duration = trial.duration
    return Row(
        number=trial.number,
        state=_STATES[trial.state],
        accuracy=None if best_epoch is None else scores[best_epoch],
        best_epoch=best_epoch,
        epochs=len(scores),
        seconds=duration.total_seconds() if duration is not None else 0.0,
        drawn=dict(trial.params),
        reason=_reason(trial),
        run=str(trial.user_attrs.get(notes.RUN, "")),
    )


def _reason(trial: FrozenTrial) -> str | None:
    unknown = "its process ended" if trial.state == TrialState.FAIL else None
    reason: str | None = trial.user_attrs.get(notes.REASON, unknown)
    return reason


def outcome(study: Study, val_rows: int, measure: Measure) -> Outcome:
    """What the trials of a study say, whose accuracies by this measure are of so many rows.

    Raises `FerError` where none is complete.
    """
    rows = tuple(ended_rows(study))
    if not any(row.state == "complete" for row in rows):
        reasons = [row.reason for row in rows if row.state == "pruned"]
        if reasons and all(reasons):
            raise FerError(f"all of {len(reasons)} trials diverged, the last so: {reasons[-1]}")
        raise FerError(f"none of {len(rows)} trials is complete: all were pruned; say --no-prune or ask for more")
    return Outcome(rows, val_rows, measure, _importance(study, rows))


def ended_rows(study: Study) -> list[Row]:
    """The trials of a study that were begun and have ended, in the order in which they began."""
    trials = study.get_trials(deepcopy=False)
    return [_row_of(t) for t in trials if t.state.is_finished() and notes.WITHDRAWN not in t.user_attrs]


def _importance(study: Study, rows: Iterable[Row]) -> dict[str, float]:
    """Functional analysis of variance: Hutter, Hoos, Leyton-Brown (ICML 2014)."""
    accuracies = [row.accuracy for row in rows if row.state == "complete"]
    if len(accuracies) < _ENOUGH or len(set(accuracies)) < 2:
        return {}
    return get_param_importances(study, evaluator=FanovaImportanceEvaluator(seed=0))
