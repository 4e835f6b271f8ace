"""A search: trials are begun until as many are done as were asked for, by whomever."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait

from optuna import Study
from optuna.trial import TrialState

from fer_cli.errors import FerError, InterruptedWorkError
from fer_cli.tuning import notes
from fer_cli.tuning.liveness import Reaper
from fer_cli.tuning.outcome import Row, ended_rows
from fer_cli.tuning.plan import Plan
from fer_cli.tuning.storage import readable
from fer_cli.tuning.study import open_places
from fer_cli.tuning.workers import Begin

#: Seconds between two looks at the storage while other processes work.
_TICK = 0.5
#: Trials of one run that may fail one after the other before it gives up.
_FAILURES = 3

#: Called with each trial that has ended, of this run or of another.
Ended = Callable[[Row], None]


def search(study: Study, plan: Plan, begin: Begin, ended: Ended) -> None:
    """Run trials until `plan.trials` are complete or pruned, those of earlier and of other runs included.

    Waits for the last trials of other processes, and draws others where those die. ended: is told of all trials, also
    of those that had ended before. Raises `InterruptedWorkError` that says what was saved, `FerError` when several
    trials of this run fail one after the other, and what a trial raises.
    """
    watch = _Watch(study, plan, ended)
    try:
        _search(study, plan, begin, watch)
    except (KeyboardInterrupt, InterruptedWorkError):
        watch.look()
        raise InterruptedWorkError(
            f"interrupted; {watch.done} of {plan.trials} trials are saved in {plan.storage}; "
            "the same command goes on from there"
        ) from None


def _search(study: Study, plan: Plan, begin: Begin, watch: _Watch) -> None:
    reaper, pending = Reaper(study), set[Future[None]]()
    while True:
        with readable(plan.storage):
            reaper.reap()
            watch.look()
        if watch.done >= plan.trials:
            return
        for future in [future for future in pending if future.done()]:
            pending.remove(future)
            future.result()
        queued = max(0, len(pending) - watch.running())
        if open_places(study, plan) > queued:
            pending.add(begin(plan))
        elif pending:
            wait(pending, _TICK, FIRST_COMPLETED)
        else:
            time.sleep(_TICK)


class _Watch:
    """Tells of each trial that ends, once."""

    def __init__(self, study: Study, plan: Plan, ended: Ended) -> None:
        self._study, self._plan, self._ended = study, plan, ended
        self._told: set[int] = set()
        self._failures = 0
        self.done = 0

    def look(self) -> None:
        """Count what is done; raise `FerError` when too many of this run failed one after the other."""
        for row in ended_rows(self._study):
            if row.number not in self._told:
                self._told.add(row.number)
                self.done += row.state != "failed"
                self._ended(row)
                self._judge(row)

    def _judge(self, row: Row) -> None:
        if row.run != self._plan.run:
            return
        self._failures = self._failures + 1 if row.state == "failed" else 0
        if self._failures == _FAILURES:
            raise FerError(f"{_FAILURES} trials failed one after the other, the last with: {row.reason}")

    def running(self) -> int:
        """How many trials of this run are under way."""
        running = self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))
        return sum(trial.user_attrs.get(notes.RUN) == self._plan.run for trial in running)
