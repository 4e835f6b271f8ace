"""Emotion names, their canonical order, their synonyms, and the codes that data sets use for them.

Importers map their codes to names and names to indices, never a foreign position to ours.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.errors import InputError

#: FER2013's order, the canonical one.
EMOTIONS: tuple[str, ...] = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
#: Sets with an eighth class add contempt at the end.
EMOTIONS_8: tuple[str, ...] = (*EMOTIONS, "contempt")
#: Order of `split_names` in every dataset file.
SPLITS: tuple[str, ...] = ("train", "val", "test")

SYNONYMS: dict[str, str] = {
    "an": "angry", "anger": "angry", "ang": "angry",
    "di": "disgust", "disgusted": "disgust", "dis": "disgust",
    "fe": "fear", "afraid": "fear", "fearful": "fear", "scared": "fear",
    "ha": "happy", "happiness": "happy", "joy": "happy", "hap": "happy",
    "sa": "sad", "sadness": "sad",
    "su": "surprise", "surprised": "surprise", "sur": "surprise",
    "ne": "neutral", "neutrality": "neutral", "neu": "neutral",
    "contemptuous": "contempt", "con": "contempt",
}  # fmt: skip

#: fer2013.csv, column `emotion`; the last column of ExpW's label.lst has the same codes.
FER2013_CODES: dict[int, str] = dict(enumerate(EMOTIONS))
#: fer2013.csv, column `Usage`.
FER2013_USAGES: dict[str, str] = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}
#: fer2013new.csv (FER+): vote columns in file order; the last two are no emotions.
FERPLUS_COLUMNS: tuple[str, ...] = (
    "neutral", "happiness", "surprise", "sadness", "anger", "disgust", "fear", "contempt", "unknown", "NF",
)  # fmt: skip
#: How FER+ votes become labels; `fer_cli.datasets.ferplus.decide` defines them.
VOTES_MODES: tuple[str, ...] = ("majority", "argmax", "soft")

#: CK+, the number in each `_emotion.txt`; CK+48 names its folders so.
CKPLUS_CODES: dict[int, str] = {
    0: "neutral", 1: "angry", 2: "contempt", 3: "disgust", 4: "fear", 5: "happy", 6: "sad", 7: "surprise",
}  # fmt: skip
#: JAFFE, second part of a file's name.
JAFFE_CODES: dict[str, str] = {
    "AN": "angry", "DI": "disgust", "FE": "fear", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
#: KDEF, letters 5 and 6 of a file's name; fear is "afraid".
KDEF_CODES: dict[str, str] = {
    "AF": "fear", "AN": "angry", "DI": "disgust", "HA": "happy", "NE": "neutral", "SA": "sad", "SU": "surprise",
}  # fmt: skip
#: AffectNet, column or file `expression`.
AFFECTNET_CODES: dict[int, str] = {
    0: "neutral", 1: "happy", 2: "sad", 3: "surprise", 4: "fear", 5: "disgust", 6: "angry", 7: "contempt",
}  # fmt: skip
#: AffectNet's codes that are no emotion.
AFFECTNET_OTHERS: dict[int, str] = {8: "none", 9: "uncertain", 10: "no face"}
#: RAF-DB, list_patition_label.txt.
RAFDB_CODES: dict[int, str] = {
    1: "surprise", 2: "fear", 3: "disgust", 4: "happy", 5: "sad", 6: "angry", 7: "neutral",
}  # fmt: skip

#: What a viewer of a screen does; `fer_cli.live.attention` defines it.
ATTENTION: tuple[str, ...] = ("screen", "away", "eyes closed", "no face")

#: Values of the attribute `gender`, the same in every data set that has it.
GENDERS: tuple[str, ...] = ("male", "female", "unsure")

#: Folder names that stand for a split in image trees.
SPLIT_SYNONYMS: dict[str, str] = {
    "train": "train", "training": "train",
    "val": "val", "valid": "val", "validation": "val", "publictest": "val",
    "test": "test", "testing": "test", "privatetest": "test",
}  # fmt: skip


def canonical(name: str) -> str:
    """The canonical spelling of an emotion name ("Happiness" -> "happy"); unknown names come back lower-cased."""
    key = name.strip().lower()
    return SYNONYMS.get(key, key)


def is_emotion(name: str) -> bool:
    """Whether `name` is one of the eight emotions or a synonym of one."""
    return canonical(name) in EMOTIONS_8


def order_classes(names: Sequence[str]) -> tuple[str, ...]:
    """Unique canonical names in canonical order; names that are no emotion follow in alphabetical order."""
    found = {canonical(name) for name in names}
    return tuple(e for e in EMOTIONS_8 if e in found) + tuple(sorted(found - set(EMOTIONS_8)))


def known_classes(metadata: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """The class names in the metadata of a model file, in the order of its outputs; () where it has none.

    Raises `InputError` where they are no names, or two are the same.
    """
    names = metadata.get("class_names", [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names) and len(set(names)) == len(names)):
        raise InputError(f"{path}: expected class_names that differ. Received: {names}")
    return tuple(names)


def class_order(wanted: Sequence[str], given: Sequence[str], what: str) -> list[int] | None:
    """How to reorder columns named `given` into the order `wanted`.

    Returns None where the orders agree already, else indices `i` such that `[given[j] for j in i] == wanted`.
    Raises `InputError` where the two are not the same set of names.
    """
    if tuple(wanted) == tuple(given):
        return None
    if set(wanted) != set(given):
        raise InputError(
            f"{what}: the classes do not match. Expected: {', '.join(wanted)}. Received: {', '.join(given)}"
        )
    return [list(given).index(name) for name in wanted]
