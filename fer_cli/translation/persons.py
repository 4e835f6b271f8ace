"""What tells persons apart, as `fer transfer apply --identity` says."""

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
#: The network that was trained to tell persons apart, among the results.
FILE = "identity.keras"

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
    log(f"learning to tell the {len(set(teacher.subjects('train') or ()))} persons of the train rows apart")
    with progress("epochs of identity", settings.epochs) as advance:
        path = identity.learn_identity(teacher, folder / FILE, settings, advance)
    return Embedding(path, transforms=teacher.transforms)
