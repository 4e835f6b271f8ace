"""An ordered map over all cores, or over a Dask cluster that is there already, through joblib."""

from __future__ import annotations

import contextlib
import itertools
import warnings
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from fer_cli.errors import MissingError, UsageError

Item = TypeVar("Item")
Result = TypeVar("Result")
#: run(function, items) starts at once and gives the results in the order of the items.
Run = Callable[[Callable[[Item], Result], Sequence[Item]], Iterator[Result]]

#: What may do the work; the decoders of OpenCV let go of Python's lock, so threads use all cores for them.
BACKENDS = {"threads": "threading", "processes": "loky", "dask": "dask"}
#: Items a task: decoding a small picture takes less time than handing it over, most of all to another machine.
_TASK_ITEMS = {"threads": 32, "processes": 128, "dask": 256}
#: Seconds to wait for the scheduler of a cluster.
_TIMEOUT = 10


def check_backend(backend: str, scheduler: str | None, known: Iterable[str] = BACKENDS) -> None:
    """Raise `UsageError` for a backend that does not exist or a scheduler that is missing or in vain."""
    if backend not in known:
        raise UsageError(f"--backend: expected one of {', '.join(known)}. Received: {backend!r}")
    if (backend == "dask") != (scheduler is not None):
        raise UsageError("--backend dask and --scheduler ADDRESS go together")


@contextlib.contextmanager
def workers(backend: str = "threads", scheduler: str | None = None, jobs: int | None = None) -> Iterator[Run[Any, Any]]:
    """A function `run(function, items)` that spreads the work and yields the results in order.

    backend: a name of `BACKENDS`. scheduler: for "dask", the address of its cluster. jobs: how many at a time, None
    for one a core; a cluster has its own number. With anything but threads, function, items and results are pickled.
    The work begins when `run` is called and goes on while the caller is busy; all results of a call may wait in
    memory, and one call must be used up before the next. Raises what `check_backend` raises, and
    `MissingError` where Dask is not installed or its cluster does not answer.
    """
    import joblib

    check_backend(backend, scheduler)
    with contextlib.ExitStack() as stack:
        if scheduler is not None:
            stack.enter_context(client(scheduler))
        stack.enter_context(joblib.parallel_config(backend=BACKENDS[backend]))
        pool = stack.enter_context(joblib.Parallel(n_jobs=jobs or -1, batch_size=1, return_as="generator"))
        latest = stack.enter_context(contextlib.ExitStack())
        step = _TASK_ITEMS[backend]

        def run(function: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
            latest.close()
            parts = [items[start : start + step] for start in range(0, len(items), step)]
            results = pool(joblib.delayed(_each)(function, part) for part in parts)
            # Whatever becomes of the caller, nothing is left running when the pool closes.
            latest.callback(_stop, results)
            return itertools.chain.from_iterable(results)

        yield run


def _each(function: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    return [function(item) for item in items]


def _stop(results: Generator[Any, None, None]) -> None:
    with warnings.catch_warnings():
        # joblib tells of work that nobody will use; whoever stops early knows.
        warnings.simplefilter("ignore")
        results.close()


def client(address: str) -> contextlib.AbstractContextManager[Any]:
    """The connection to a Dask cluster; `MissingError` where Dask is not installed or nothing answers there."""
    try:
        from distributed import Client
    except ImportError as error:
        raise MissingError("--backend dask needs the extra dask: pip install 'fer-cli[dask]'") from error
    try:
        connected: contextlib.AbstractContextManager[Any] = Client(address, timeout=_TIMEOUT, set_as_default=True)
    except (OSError, ValueError) as error:
        raise MissingError(f"no Dask scheduler answers at {address}; start one with: dask scheduler") from error
    return connected
