"""Finding the trials whose process is gone, so that none is left running for ever; alike for all storages."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

from optuna import Study, Trial
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, TrialState

from fer_cli.tuning import notes

#: Seconds between two signs of life of a trial, and without one before it counts as dead.
BEAT, GRACE = 15.0, 90.0


def sign(trial: Trial, run: str) -> None:
    """Write down who runs a trial."""
    trial.set_user_attr(notes.RUN, run)
    trial.set_user_attr(notes.OWNER, [socket.gethostname(), os.getpid()])


@contextlib.contextmanager
def pulse(trial: Trial) -> Iterator[None]:
    """Give a sign of life every `BEAT` seconds while the block runs."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT):
            # A database that is busy now will take the next one.
            with contextlib.suppress(StorageInternalError):
                trial.set_user_attr(notes.PULSE, time.time())

    thread = threading.Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


class Reaper:
    """Marks as failed the running trials whose process is gone.

    On this machine that is known at once. Of others it is concluded from a pulse that does not change for `GRACE`
    seconds by this machine's clock, since clocks of two machines may differ. The trial is not begun again as it was:
    what killed its process, memory perhaps, may be what it drew.
    """

    def __init__(self, study: Study) -> None:
        self._study = study
        self._seen: dict[int, tuple[object, float]] = {}

    def reap(self) -> None:
        """Look once."""
        for trial in self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if self._is_dead(trial):
                self._study.tell(trial.number, state=TrialState.FAIL, skip_if_finished=True)

    def _is_dead(self, trial: FrozenTrial) -> bool:
        host, process = trial.user_attrs.get(notes.OWNER, (None, 0))
        if host == socket.gethostname() and os.name == "posix" and not _runs(process):
            return True
        now, sign_of_life = time.monotonic(), trial.user_attrs.get(notes.PULSE)
        before, since = self._seen.get(trial.number, (None, now))
        if before != sign_of_life or trial.number not in self._seen:
            self._seen[trial.number] = (sign_of_life, now)
            return False
        return now - since > GRACE


def _runs(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True
