"""Who runs the trials: this process, processes of this machine, or a Dask cluster."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from typing import TYPE_CHECKING

from fer_cli import files, framework
from fer_cli.datasets import parallel
from fer_cli.errors import InputError, UsageError
from fer_cli.store.reader import open_dataset
from fer_cli.tuning import extra
from fer_cli.tuning.plan import Plan

if TYPE_CHECKING:
    from fer_cli.tuning.trial import TrialObserver

BACKENDS = ("processes", "dask")

#: Begins one trial; its future is done when the trial is.
Begin = Callable[[Plan], Future[None]]
#: Keras has global state: a process runs one trial at a time, however many threads a worker of a cluster has.
_ONE_AT_A_TIME = threading.Lock()


@contextlib.contextmanager
def workers(backend: str, scheduler: str | None, jobs: int, observer: TrialObserver) -> Iterator[Begin]:
    """What begins a trial.

    backend: "processes", of which `jobs` work on this machine (1: this one itself, and at once), or "dask", for the
    cluster whose scheduler has that address. observer: sees the trials that run in this process. When the block ends
    by an exception, trials in other processes of this machine are stopped; those that run on a cluster go on to their
    end. Raises `UsageError` for what does not go together, `MissingError` where Dask is not installed or its cluster
    does not answer.
    """
    parallel.check_backend(backend, scheduler, BACKENDS)
    if scheduler is not None and jobs > 1:
        raise UsageError("--jobs counts processes of this machine; the cluster of --backend dask has its own workers")
    if scheduler is not None:
        with parallel.client(scheduler) as client, client.get_executor(pure=False) as cluster:
            yield lambda plan: cluster.submit(attempt, plan)
    elif jobs > 1:
        with _processes(jobs) as pool:
            yield lambda plan: pool.submit(attempt, plan)
    else:
        yield lambda plan: _at_once(plan, observer)


def attempt(plan: Plan, observer: TrialObserver = lambda _number, _status: None) -> None:
    """Run a trial here, unless others have taken the last one by now.

    Raises `InputError` where the dataset is not on this machine or is another one, and what `run_trial` raises.
    """
    os.environ.setdefault("KERAS_BACKEND", plan.backend)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _ONE_AT_A_TIME:
        extra.load()
        framework.load()
        # It warns of each network that it compiles anew, which is what a search does.
        logging.getLogger("tensorflow").setLevel(logging.ERROR)
        from fer_cli.tuning.study import claim, open_study
        from fer_cli.tuning.trial import run_trial

        if files.sha256(plan.dataset) != plan.dataset_sha256:
            raise InputError(f"{plan.dataset}: not the file that it was when the search began")
        with open_study(plan) as study, open_dataset(plan.dataset) as dataset:
            trial = claim(study, plan)
            if trial is not None:
                run_trial(study, trial, plan, dataset, observer)


def _at_once(plan: Plan, observer: TrialObserver) -> Future[None]:
    attempt(plan, observer)
    future: Future[None] = Future()
    future.set_result(None)
    return future


@contextlib.contextmanager
def _processes(jobs: int) -> Iterator[ProcessPoolExecutor]:
    threads = max(1, (os.cpu_count() or 1) // jobs)
    # Not forked: TensorFlow's threads would not survive it.
    pool = ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn"), _begin, (threads,))
    before = set(multiprocessing.active_children())
    try:
        yield pool
    except BaseException:
        for process in set(multiprocessing.active_children()) - before:
            process.terminate()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def _begin(threads: int) -> None:
    """Make a process of the pool a good child: its share of the cores, and gone when its parent is."""
    for name in ("TF_NUM_INTRAOP_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(name, str(threads))
    # A terminal sends Ctrl-C to all; the parent decides, and says so by SIGTERM, which lets a trial tidy up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))
    threading.Thread(target=_follow_parent, daemon=True).start()


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
