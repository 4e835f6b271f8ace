import pytest

from fer_cli.errors import InputError
from fer_cli.labels import (
    EMOTIONS,
    EMOTIONS_8,
    FERPLUS_COLUMNS,
    SPLIT_SYNONYMS,
    SPLITS,
    SYNONYMS,
    canonical,
    class_order,
    is_emotion,
    order_classes,
)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("Happiness", "happy"), (" AFRAID ", "fear"), ("AN", "angry"), ("surprise", "surprise"), ("Bored", "bored")],
)
def test_names_become_canonical(name: str, expected: str) -> None:
    assert canonical(name) == expected


def test_every_synonym_means_an_emotion_or_a_split() -> None:
    assert set(SYNONYMS.values()) <= set(EMOTIONS_8)
    assert set(SPLIT_SYNONYMS.values()) == set(SPLITS)
    assert not set(SYNONYMS) & set(EMOTIONS_8)


def test_contempt_is_an_emotion_and_boredom_is_not() -> None:
    assert is_emotion("Contemptuous")
    assert not is_emotion("bored")


def test_ferplus_begins_with_the_eight_emotions() -> None:
    assert {canonical(name) for name in FERPLUS_COLUMNS[:8]} == set(EMOTIONS_8)
    assert not any(is_emotion(name) for name in FERPLUS_COLUMNS[8:])


def test_classes_come_in_canonical_order_and_others_after_them() -> None:
    assert order_classes(["neutral", "zeal", "Anger", "sadness", "awe", "angry"]) == (
        "angry", "sad", "neutral", "awe", "zeal",
    )  # fmt: skip


def test_class_order_reorders_columns() -> None:
    given = tuple(reversed(EMOTIONS))
    order = class_order(EMOTIONS, given, "m.keras")
    assert order is not None
    assert tuple(given[i] for i in order) == EMOTIONS
    assert class_order(EMOTIONS, EMOTIONS, "m.keras") is None


def test_class_order_refuses_another_set() -> None:
    with pytest.raises(InputError, match=r"m\.keras: .*Expected: angry, .*Received: .*contempt"):
        class_order(EMOTIONS, EMOTIONS_8, "m.keras")
