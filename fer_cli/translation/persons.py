"""What tells persons apart, as `fer transfer apply --identity` and `fer transfer fit --identity-guide` say."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

from fer_cli import catalog
from fer_cli.analysis.embedding import Embedding
from fer_cli.analysis.translation.base import Embedder
from fer_cli.store.reader import Dataset
from fer_cli.translation import identity

LEARN, HOG, NONE = "learn", "hog", "none"
#: The networks that were trained to tell persons apart: the judge, among the results, and the guide of a training.
FILE, GUIDE_FILE = "identity.keras", "identity_guide.keras"

#: Takes a title and a number of steps; gives what is called after each of them.
Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]


def usual(teacher: Dataset) -> str:
    """What is used where nothing is said."""
    return LEARN if identity.can_learn_identity(teacher) else HOG


def embedder(
    how: str, teacher: Dataset, folder: Path, seed: int, progress: Progress, log: Callable[[str], None]
) -> Embedder | None:
    """What tells persons apart, None for `NONE`.

    how: `LEARN`, `HOG`, `NONE` or the path of a network's file. teacher: whose train rows are learnt from, and whose
    corrections of illumination the judged faces share. folder: where the network goes that is learnt. Raises
    `InputError` for persons that nothing can be learnt from and for a file of no use.
    """
    if how == NONE:
        return None
    if how == HOG:
        features: Embedder = catalog.find(catalog.FEATURES, how, "features")()
        return features
    if how != LEARN:
        return Embedding(Path(how), transforms=teacher.transforms)
    settings = identity.Settings(seed=seed)
    return Embedding(_learn(teacher, folder / FILE, settings, progress, log), transforms=teacher.transforms)


def guide(
    how: str | None,
    teacher: Dataset,
    folder: Path,
    seed: int,
    resumed: bool,
    progress: Progress,
    log: Callable[[str], None],
) -> Path | None:
    """The file of the network that keeps a generator to the person, None for None.

    how: `LEARN`, None or a path. teacher: whose train rows are learnt from. folder: where the network goes that is
    learnt; a resumed run takes the one that is there. Raises `InputError` for persons that nothing can be learnt from.
    """
    if how != LEARN:
        return None if how is None else Path(how)
    path = folder / GUIDE_FILE
    if resumed and path.exists():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    return _learn(teacher, path, identity.for_guide(seed), progress, log)


def _learn(
    teacher: Dataset, path: Path, settings: identity.Settings, progress: Progress, log: Callable[[str], None]
) -> Path:
    count = round(settings.share * len(set(teacher.subjects("train") or ()))) if teacher.count("train") else 0
    log(f"learning to tell {count} persons of the train rows apart")
    with progress("epochs of identity", settings.epochs) as advance:
        return identity.learn_identity(teacher, path, settings, advance)
