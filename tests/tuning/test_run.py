"""The loop of a search: how many trials it runs, and what it makes of those that fail or die."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from concurrent.futures import Future
from dataclasses import replace

import pytest
from optuna import Study
from optuna.trial import TrialState

from fer_cli.errors import FerError, InterruptedWorkError
from fer_cli.tuning import liveness, notes, run
from fer_cli.tuning.outcome import Row
from fer_cli.tuning.plan import Plan
from fer_cli.tuning.study import claim, open_study
from tests.tuning.searches import a_plan, beginner, planted


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "_TICK", 0.001)


def searched(study: Study, plan: Plan) -> list[Row]:
    """Run the planted search to its end; what was told of it."""
    told: list[Row] = []
    run.search(study, plan, beginner(study), told.append)
    return told


def test_it_runs_what_is_missing_and_tells_of_all() -> None:
    plan = a_plan()
    with open_study(plan) as study:
        planted(study, plan)
        assert [row.number for row in searched(study, plan)] == [0, 1, 2, 3]
        assert len(searched(study, replace(plan, trials=6))) == 6
        assert len(searched(study, plan)) == 6


def test_a_random_search_draws_the_same_however_often_it_is_interrupted() -> None:
    whole, parts = a_plan("journal:whole"), a_plan("journal:parts")
    with open_study(whole) as study:
        expected = [row.drawn for row in searched(study, whole)]
    for trials in (1, 2, 4):
        with open_study(parts) as study:
            got = [row.drawn for row in searched(study, replace(parts, trials=trials))]
    assert got == expected
    assert len({drawn["lr"] for drawn in got}) == 4


@pytest.mark.parametrize("sampler", ["tpe", "random", "hyperband"])
def test_what_falls_behind_is_pruned(sampler: str) -> None:
    plan = a_plan(sampler=sampler, prune=True, trials=20, fixed={"seed": 0, "epochs": 9, "batch_size": 128})
    with open_study(plan) as study:
        rows = searched(study, plan)
    pruned = [row for row in rows if row.state == "pruned"]
    best = max((row for row in rows if row.state == "complete"), key=lambda row: row.accuracy or 0)
    assert pruned
    assert all(row.epochs < 9 and (row.accuracy or 0) < (best.accuracy or 0) for row in pruned)
    assert best.drawn["lr"] == best.accuracy


def test_tpe_draws_more_of_what_went_well() -> None:
    medians = []
    for sampler in ("tpe", "random"):
        plan = a_plan(f"journal:{sampler}", sampler=sampler, trials=30)
        with open_study(plan) as study:
            late = sorted(float(row.drawn["lr"]) for row in searched(study, plan)[15:])
        medians.append(late[len(late) // 2])
    assert medians[0] > 3 * medians[1]


class TestDeadTrials:
    """A trial is begun, and its process is gone."""

    def begun(self, study: Study, plan: Plan, host: str, process: int) -> None:
        trial = claim(study, replace(plan, run="another"))
        assert trial is not None
        trial.set_user_attr(notes.OWNER, [host, process])

    def test_one_of_this_machine_is_replaced_at_once(self) -> None:
        plan = a_plan(trials=2)
        gone = subprocess.Popen([sys.executable, "-c", ""])
        gone.wait()
        with open_study(plan) as study:
            self.begun(study, plan, socket.gethostname(), gone.pid)
            rows = searched(study, plan)
        assert [(row.number, row.state, row.reason) for row in rows] == [
            (0, "failed", "its process ended"),
            (1, "complete", None),
            (2, "complete", None),
        ]

    def test_one_that_lives_is_waited_for(self, monkeypatch: pytest.MonkeyPatch) -> None:
        plan = a_plan(trials=1)
        with open_study(plan) as study:
            self.begun(study, plan, socket.gethostname(), os.getpid())
            reaper = liveness.Reaper(study)
            for _ in range(3):
                reaper.reap()
            assert [trial.state for trial in study.trials] == [TrialState.RUNNING]

    def test_one_of_another_machine_is_dead_when_its_pulse_stops(self, monkeypatch: pytest.MonkeyPatch) -> None:
        now = [0.0]
        monkeypatch.setattr(liveness.time, "monotonic", lambda: now[0])
        plan = a_plan(trials=1)
        with open_study(plan) as study:
            self.begun(study, plan, "elsewhere", 1)
            reaper = liveness.Reaper(study)
            for beat in range(3):
                study._storage.set_trial_user_attr(study.trials[0]._trial_id, notes.PULSE, beat)
                reaper.reap()
                now[0] += liveness.GRACE
                reaper.reap()
                assert study.trials[0].state == TrialState.RUNNING
            now[0] += 1
            reaper.reap()
            assert study.trials[0].state == TrialState.FAIL

    def test_a_running_trial_has_a_pulse(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(liveness, "BEAT", 0.001)
        plan = a_plan()
        with open_study(plan) as study:
            trial = claim(study, plan)
            assert trial is not None
            with liveness.pulse(trial):
                for _ in range(1000):
                    if notes.PULSE in study.trials[0].user_attrs:
                        break
            assert notes.PULSE in study.trials[0].user_attrs


def failing(study: Study, times: int) -> run.Begin:
    """The first `times` trials fail, the others are planted."""
    runs = beginner(study)

    def begin(plan: Plan) -> Future[None]:
        nonlocal times
        if times <= 0:
            return runs(plan)
        times -= 1
        trial = claim(study, plan)
        assert trial is not None
        trial.set_user_attr(notes.REASON, "no memory")
        study.tell(trial, state=TrialState.FAIL)
        future: Future[None] = Future()
        future.set_result(None)
        return future

    return begin


def test_failed_trials_are_replaced_but_not_for_ever() -> None:
    plan = a_plan()
    told: list[Row] = []
    with open_study(plan) as study:
        run.search(study, plan, failing(study, 2), told.append)
        assert [row.state for row in told] == ["failed"] * 2 + ["complete"] * 4
        with pytest.raises(FerError, match="3 trials failed one after the other, the last with: no memory"):
            run.search(study, replace(plan, trials=9), failing(study, 9), told.append)


def test_an_interruption_says_what_is_saved() -> None:
    plan = a_plan()
    told: list[Row] = []
    with open_study(plan) as study:
        planted(study, plan)

        def begin(plan: Plan) -> Future[None]:
            raise KeyboardInterrupt

        with pytest.raises(InterruptedWorkError, match="1 of 4 trials are saved in journal:") as caught:
            run.search(study, plan, begin, told.append)
    assert caught.value.exit_code == 130


def test_a_worker_of_others_that_fails_ends_the_search() -> None:
    plan = a_plan()

    def begin(plan: Plan) -> Future[None]:
        future: Future[None] = Future()
        future.set_exception(FerError("the disk is full"))
        return future

    with open_study(plan) as study, pytest.raises(FerError, match="the disk is full"):
        run.search(study, plan, begin, lambda row: None)
