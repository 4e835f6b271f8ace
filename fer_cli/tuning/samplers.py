"""What draws the parameters of a trial, and what stops it early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.pruners import BasePruner, HyperbandPruner, MedianPruner, NopPruner
from optuna.samplers import BaseSampler, RandomSampler, TPESampler
from optuna.trial import FrozenTrial, TrialState

from fer_cli.tuning.plan import Plan

#: Trials that must be complete before any is pruned for being below their median.
_STARTUP = 4
#: Part of the epochs in which the median prunes nothing: the learning rate is still warming up.
_WARMUP = 0.25
#: Of three trials, Hyperband lets one go on.
_REDUCTION = 3


def make_sampler(plan: Plan) -> BaseSampler:
    """The sampler that a plan asks for."""
    return _Numbered(RandomSampler if plan.sampler == "random" else TPESampler, int(plan.fixed["seed"]))


def make_pruner(plan: Plan) -> BasePruner:
    """The pruner that a plan asks for; it counts epochs from 1."""
    if not plan.prune:
        return NopPruner()
    if plan.sampler == "hyperband":
        return HyperbandPruner(min_resource=1, max_resource=plan.epochs, reduction_factor=_REDUCTION)
    return MedianPruner(n_startup_trials=_STARTUP, n_warmup_steps=round(_WARMUP * plan.epochs))


class _Numbered(BaseSampler):
    """A sampler that begins anew for each trial, seeded by the trial's number.

    Two processes on one study then never draw alike, and a random search draws the same trials however often it is
    interrupted and however many processes share it.
    """

    def __init__(self, kind: type[RandomSampler] | type[TPESampler], seed: int) -> None:
        self._kind, self._seed = kind, seed
        self._sampler: BaseSampler = kind(seed=seed)

    def before_trial(self, study: Study, trial: FrozenTrial) -> None:
        seed = np.random.SeedSequence((self._seed, trial.number)).generate_state(1)[0]
        self._sampler = self._kind(seed=int(seed))

    def infer_relative_search_space(self, study: Study, trial: FrozenTrial) -> dict[str, BaseDistribution]:
        return self._sampler.infer_relative_search_space(study, trial)

    def sample_relative(
        self, study: Study, trial: FrozenTrial, search_space: dict[str, BaseDistribution]
    ) -> dict[str, Any]:
        return self._sampler.sample_relative(study, trial, search_space)

    def sample_independent(
        self, study: Study, trial: FrozenTrial, param_name: str, param_distribution: BaseDistribution
    ) -> Any:
        return self._sampler.sample_independent(study, trial, param_name, param_distribution)

    def after_trial(self, study: Study, trial: FrozenTrial, state: TrialState, values: Sequence[float] | None) -> None:
        self._sampler.after_trial(study, trial, state, values)
