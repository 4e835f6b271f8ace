"""Whether a search can begin at all."""

from __future__ import annotations

import keras
from optuna import create_study
from optuna.samplers import RandomSampler

from fer_cli.errors import FerError, UsageError
from fer_cli.store.reader import Dataset
from fer_cli.training import fit
from fer_cli.tuning.plan import Plan

#: Draws of which one must be possible.
_DRAWS = 8


def check(plan: Plan, dataset: Dataset) -> None:
    """Raise why nothing of a search can be trained, when that is so of the first draws; trains nothing.

    So what is fixed and cannot be is found before the search is anywhere, and one bad draw does not count.
    """
    draws, failures = create_study(sampler=RandomSampler(seed=0)), []
    for _ in range(_DRAWS):
        try:
            fit.check(dataset, plan.settings(plan.space.suggest(draws.ask())))
        except UsageError as error:
            failures.append(error)
        except FerError:
            raise
        except Exception:  # such as too little memory for what was drawn: the trials will tell
            return
        else:
            return
        finally:
            keras.utils.clear_session()
    raise failures[0]
