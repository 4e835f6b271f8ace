"""Plans of searches that train nothing, and trials whose accuracy is planted."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import Any

from optuna import Study, TrialPruned
from optuna.trial import TrialState

from fer_cli.training.settings import Settings
from fer_cli.tuning.plan import Plan
from fer_cli.tuning.run import Begin
from fer_cli.tuning.space import Choice, Range, Space
from fer_cli.tuning.study import claim

SPACE = Space((Range("lr", 1e-4, 1.0, log=True), Choice("batch_size", (32, 64), (32, 64))))


def a_plan(storage: str = "journal:trials.journal", **changes: Any) -> Plan:
    """Four trials, drawn at random, without pruning."""
    plan = Plan(
        dataset=Path("faces.h5").absolute(),
        dataset_sha256="0" * 64,
        space=SPACE,
        fixed={"seed": 0, "epochs": 3, "batch_size": 128},
        configure=Settings,
        storage=storage,
        trials=4,
        sampler="random",
        prune=False,
    )
    return replace(plan, **changes)


def planted(study: Study, plan: Plan) -> bool:
    """Run a trial that scores lr itself in each epoch; whether there was one to run."""
    trial = claim(study, plan)
    if trial is None:
        return False
    drawn = plan.space.suggest(trial)
    state = TrialState.COMPLETE
    try:
        for epoch in range(1, plan.epochs + 1):
            trial.report(float(drawn["lr"]), epoch)
            if epoch < plan.epochs and trial.should_prune():
                raise TrialPruned
    except TrialPruned:
        state = TrialState.PRUNED
    study.tell(trial, float(drawn["lr"]) if state == TrialState.COMPLETE else None, state)
    return True


def beginner(study: Study) -> Begin:
    """Runs planted trials at once."""

    def begin(plan: Plan) -> Future[None]:
        planted(study, plan)
        future: Future[None] = Future()
        future.set_result(None)
        return future

    return begin
