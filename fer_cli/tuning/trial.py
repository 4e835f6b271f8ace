"""One trial: draw, train, report each epoch's accuracy on val, and stop when the pruner says so."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable
from pathlib import Path

import keras
from optuna import Study, Trial, TrialPruned
from optuna.trial import TrialState

from fer_cli.errors import DivergedError, FerError, InterruptedWorkError, UsageError
from fer_cli.store.reader import Dataset
from fer_cli.training import fit
from fer_cli.training.callbacks import Observer, Status
from fer_cli.training.checkpoint import score_of
from fer_cli.training.settings import Settings
from fer_cli.tuning import notes
from fer_cli.tuning.liveness import pulse
from fer_cli.tuning.plan import Plan

#: Called after each step of a trial with its number.
TrialObserver = Callable[[int, Status], None]


def run_trial(study: Study, trial: Trial, plan: Plan, dataset: Dataset, observer: TrialObserver) -> None:
    """Run a trial that was claimed, and tell the study how it ended; its model is not kept.

    A network that cannot be built or fitted as drawn is a failed trial, and one that diverges at once a pruned one;
    other failures (a full disk, an unreadable dataset, an interruption) fail the trial and are raised.
    """
    state, value = TrialState.FAIL, None
    try:
        with pulse(trial):
            settings = plan.settings(plan.space.suggest(trial))
            value = _train(trial, settings, dataset, lambda status: observer(trial.number, status))
        state = TrialState.COMPLETE
    except TrialPruned:
        state = TrialState.PRUNED
    except DivergedError as error:  # as hopeless as it gets, which the sampler is to know
        _note_reason(trial, str(error))
        state = TrialState.PRUNED
    except Exception as error:
        # What a search draws may ask for more memory than there is, or for a network that is deeper than the image
        # is wide; libraries tell that in exceptions of all kinds.
        _note_reason(trial, _in_one_line(error))
        if isinstance(error, FerError) and not isinstance(error, UsageError):
            raise
    except BaseException:
        _note_reason(trial, "interrupted")
        raise
    finally:
        # Another process may have declared the trial dead, if this machine slept.
        study.tell(trial, value, state, skip_if_finished=True)
        keras.utils.clear_session()


def _train(trial: Trial, settings: Settings, dataset: Dataset, observer: Observer) -> float:
    """The accuracy of the best epoch by which it was chosen."""

    def watch(status: Status) -> None:
        observer(status)
        if status.epoch_done and not status.teacher:
            trial.report(score_of(status.metrics), status.epoch)
            # Hyperband would stop a trial even after its last epoch.
            if status.epoch < status.epochs and trial.should_prune():
                raise TrialPruned

    with tempfile.TemporaryDirectory(prefix="fer-tune-") as name:
        folder = Path(name)
        result = fit.train(dataset, settings, folder / "model.keras", folder / "model.training", watch)
    if result.warning:
        _note_reason(trial, result.warning)
    return score_of(result.scores)


def _note_reason(trial: Trial, reason: str) -> None:
    with contextlib.suppress(RuntimeError):  # the trial was declared dead, and takes no more notes
        trial.set_user_attr(notes.REASON, reason)


def _in_one_line(error: Exception) -> str:
    if isinstance(error, InterruptedWorkError):
        return "interrupted"
    text = " ".join(str(error).split()) or "no message"
    return text if isinstance(error, FerError) else f"{type(error).__name__}: {text[:300]}"
