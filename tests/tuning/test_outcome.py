"""What is concluded from trials with planted accuracies."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution

from fer_cli.errors import FerError
from fer_cli.tuning.outcome import outcome
from fer_cli.tuning.plan import ACCURACY

DISTRIBUTIONS = {"lr": FloatDistribution(0, 1), "optimizer": CategoricalDistribution(("sgd", "adamw"))}


def a_study(accuracies: list[float], lrs: list[float] | None = None) -> optuna.Study:
    """Complete trials; the optimizer changes from one to the next."""
    study = optuna.create_study(direction="maximize")
    for number, accuracy in enumerate(accuracies):
        study.add_trial(
            optuna.create_trial(
                value=accuracy,
                params={"lr": lrs[number] if lrs else 0.5, "optimizer": ("sgd", "adamw")[number % 2]},
                distributions=DISTRIBUTIONS,
                intermediate_values={1: accuracy - 0.1, 2: accuracy, 3: accuracy},
            )
        )
    return study


def test_the_best_is_the_first_of_equals_and_never_a_pruned_trial() -> None:
    study = a_study([0.3, 0.6, 0.6])
    study.add_trial(
        optuna.create_trial(
            state=optuna.trial.TrialState.PRUNED,
            params={"lr": 0.1, "optimizer": "sgd"},
            distributions=DISTRIBUTIONS,
            intermediate_values={1: 0.9},
        )
    )
    found = outcome(study, 100, ACCURACY)
    assert (found.best.number, found.best.accuracy, found.best.best_epoch, found.best.epochs) == (1, 0.6, 2, 3)
    assert (found.count("complete"), found.count("pruned"), found.count("failed")) == (3, 1, 0)


def test_accuracies_within_a_standard_error_are_called_equal() -> None:
    # sqrt(0.64 × 0.36 / 100) = 0.048
    found = outcome(a_study([0.5, 0.64, 0.6, 0.595, 0.59]), 100, ACCURACY)
    assert found.standard_error == pytest.approx(0.048)
    assert found.equals == 2
    results = found.results(["--lr", "1"], "fer train")
    assert results["best"]["val"] == {"n": 100, "accuracy": 0.64, "standard_error": pytest.approx(0.048)}
    assert "chosen on the same 100 val rows" in results["selection"]


def test_importance_finds_the_parameter_that_decides() -> None:
    lrs = [float(lr) for lr in np.random.default_rng(0).random(24)]
    parts = outcome(a_study([0.3 + 0.5 * lr for lr in lrs], lrs), 100, ACCURACY).importance
    assert list(parts) == ["lr", "optimizer"]
    assert parts["lr"] > 0.9
    assert sum(parts.values()) == pytest.approx(1)


@pytest.mark.parametrize("accuracies", [[0.2, 0.3, 0.4], [0.5] * 6])
def test_importance_is_not_made_up(accuracies: list[float]) -> None:
    assert outcome(a_study(accuracies), 100, ACCURACY).importance == {}


def test_without_a_complete_trial_there_is_no_best() -> None:
    with pytest.raises(FerError, match="none of 0 trials is complete"):
        outcome(optuna.create_study(direction="maximize"), 100, ACCURACY)
