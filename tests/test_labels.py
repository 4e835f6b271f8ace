import pytest
from hypothesis import given
from hypothesis import strategies as st

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


#: Names of every kind: emotions, their synonyms in any case, and others.
NAMES = st.one_of(st.sampled_from([*EMOTIONS_8, *SYNONYMS]).map(str.upper), st.text(max_size=8))


@given(st.lists(NAMES, max_size=12))
def test_any_names_are_ordered_once_and_for_all(names: list[str]) -> None:
    ordered = order_classes(names)
    assert set(ordered) == {canonical(name) for name in names}
    assert len(set(ordered)) == len(ordered)
    # Emotions first, in the canonical order, whatever else there is.
    emotions = [name for name in ordered if is_emotion(name)]
    assert emotions == sorted(emotions, key=EMOTIONS_8.index) == list(ordered[: len(emotions)])
    assert order_classes(reversed(names)) == order_classes(ordered) == ordered


@given(st.permutations(EMOTIONS_8))
def test_any_order_is_brought_back(given_names: list[str]) -> None:
    order = class_order(EMOTIONS_8, given_names, "m.keras")
    columns = given_names if order is None else [given_names[i] for i in order]
    assert tuple(columns) == EMOTIONS_8
