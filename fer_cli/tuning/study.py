"""A study: the trials of a search, shared by all processes that take part in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import optuna
from optuna import Study, Trial
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, TrialState

from fer_cli.errors import UsageError
from fer_cli.tuning import notes
from fer_cli.tuning.liveness import sign
from fer_cli.tuning.plan import Plan
from fer_cli.tuning.samplers import make_pruner, make_sampler
from fer_cli.tuning.storage import open_storage, readable

#: States that use up the trials asked for. A failed trial does not: another is drawn in its place.
DONE = (TrialState.COMPLETE, TrialState.PRUNED)
_IDENTITY = "identity"


@contextlib.contextmanager
def open_study(plan: Plan) -> Iterator[Study]:
    """The study of a plan, made where there is none.

    Raises `UsageError` where a study of that name searches something else, and what `open_storage` raises.
    """
    storage = open_storage(plan.storage)
    try:
        with readable(plan.storage):
            study = optuna.create_study(
                study_name=plan.study,
                storage=storage,
                sampler=make_sampler(plan),
                pruner=make_pruner(plan),
                direction="maximize",
                load_if_exists=True,
            )
            known = _known_identity(study, plan)
        if known != plan.identity():
            raise UsageError(
                f"the study {plan.study!r} in {plan.storage} is another search: "
                f"{_difference(known, plan.identity())}; choose another --study or --storage"
            )
        yield study
    finally:
        if isinstance(storage, RDBStorage):
            storage.engine.dispose()


def _known_identity(study: Study, plan: Plan) -> Any:
    """What the study was made to search; a new one is told, and one of which nothing has come."""
    known, asked = study.user_attrs.get(_IDENTITY), plan.identity()
    trials = study.get_trials(deepcopy=False)
    # Optuna insists that what has one name is always drawn from the same.
    idle = known and known["space"] == asked["space"] and all(map(_came_to_nothing, trials))
    if idle or (known is None and not trials):
        study.set_user_attr(_IDENTITY, asked)
        return asked
    return known


def _came_to_nothing(trial: FrozenTrial) -> bool:
    """Whether it failed, or diverged at once."""
    return trial.state == TrialState.FAIL or (trial.state == TrialState.PRUNED and notes.REASON in trial.user_attrs)


def _difference(known: Mapping[str, Any] | None, asked: Mapping[str, Any]) -> str:
    if known is None:
        return "its trials are not those of fer tune"
    if known["dataset"] != asked["dataset"]:
        return "it was made with another dataset file"
    for part in ("space", "fixed"):
        for name in sorted(known[part].keys() | asked[part].keys()):
            before, now = known[part].get(name), asked[part].get(name)
            if before != now:
                where = "its space has " if part == "space" else "it has "
                return f"{where}{name}={before}, not {now}"
    return "it was made by another version of fer"


def claim(study: Study, plan: Plan) -> Trial | None:
    """A new trial to run, or None while as many as were asked for are done or being run.

    Exact for any number of processes: numbers are given out one at a time, so that all agree on who came too late.
    Raises `UsageError` where another process has made another search of the study since it was opened.
    """
    if open_places(study, plan) <= 0:
        return None
    trial = study.ask()
    sign(trial, plan.run)
    if study.user_attrs.get(_IDENTITY) != plan.identity():
        _withdraw(study, trial)
        raise UsageError(f"the study {plan.study!r} in {plan.storage} has become another search meanwhile")
    earlier = sum(other.number < trial.number and _counts(other) for other in study.get_trials(deepcopy=False))
    if earlier < plan.trials:
        return trial
    _withdraw(study, trial)
    return None


def _withdraw(study: Study, trial: Trial) -> None:
    trial.set_user_attr(notes.WITHDRAWN, True)
    study.tell(trial, state=TrialState.FAIL)


def open_places(study: Study, plan: Plan) -> int:
    """How many trials are still to be begun."""
    return plan.trials - sum(_counts(trial) for trial in study.get_trials(deepcopy=False))


def _counts(trial: FrozenTrial) -> bool:
    return trial.state in (*DONE, TrialState.RUNNING)
