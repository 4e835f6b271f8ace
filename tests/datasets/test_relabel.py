"""Decisions about labels, applied to a dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli import files
from fer_cli.datasets import relabel
from fer_cli.datasets.relabel import Decision
from fer_cli.errors import InputError
from fer_cli.store.reader import open_dataset
from tests import helpers

# Row i of the planted faces is of class i % 7; 70 rows of train, then 28 of val.
TABLE = """source,given,decision,label
planted:0,angry,accept,sad
planted:1,disgust,reject,disgust
planted:2,fear,correct,neutral
planted:71,disgust,drop,
"""


def decisions(tmp_path: Path, text: str = TABLE) -> list[Decision]:
    (tmp_path / "decisions.csv").write_text(text)
    return relabel.read_decisions(tmp_path / "decisions.csv")


def test_decisions_change_labels_and_drop_rows_and_nothing_else(dataset: Path, tmp_path: Path) -> None:
    done: list[int] = []
    with open_dataset(dataset) as old:
        results = relabel.clean(old, tmp_path / "new.h5", decisions(tmp_path), {"command": "test"}, done.append)
        before, images = old.labels(None), old.images(None).take(range(126))
        sources, subjects = old.sources(None), old.subjects(None)
    kept = np.delete(np.arange(126), 71)
    expected = before.copy()
    expected[[0, 2]] = 4, 6
    with open_dataset(tmp_path / "new.h5") as new:
        assert np.array_equal(new.labels(None), expected[kept])
        assert np.array_equal(new.images(None).take(range(125)), images[kept])
        assert new.sources(None) == [sources[row] for row in kept]
        assert subjects is not None
        assert new.subjects(None) == [subjects[row] for row in kept]
        assert (new.count("train"), new.count("val"), new.count("test")) == (70, 27, 28)
        assert np.array_equal(new.attribute("given_label", None), before[kept])
        assert new.attribute_values("given_label") == new.class_names
        assert new.provenance == {"command": "test", "results": results}
    assert results["decisions"] == {"accept": 1, "reject": 1, "correct": 1, "drop": 1}
    assert (results["rows"], results["relabelled"], results["dropped"]) == (125, 2, 1)
    assert results["touched"] == {"train": 2, "val": 1, "test": 0}
    assert results["table"]["sad"]["train"] == results["table_before"]["sad"]["train"] + 1
    assert results["notes"] == ["1 rows of val were changed: scores on them cannot stand beside those of others"]
    assert sum(done) == 126


def test_votes_of_a_relabelled_row_are_overruled_and_all_others_stay(tmp_path: Path) -> None:
    records = helpers.planted_records()
    split = np.full((len(records), 7), 0.1, np.float32)
    split[np.arange(len(records)), records.labels] = 0.4
    path = helpers.write_dataset(tmp_path / "voted.h5", replace(records, votes=split))
    with open_dataset(path) as old:
        results = relabel.clean(old, tmp_path / "new.h5", decisions(tmp_path), {})
    expected = split.copy()
    expected[0], expected[2] = np.eye(7)[4], np.eye(7)[6]
    with open_dataset(tmp_path / "new.h5") as new:
        assert np.array_equal(new.votes(None), np.delete(expected, 71, axis=0))
    assert results["notes"][0] == "the votes of relabelled rows are all for their new class"


def test_a_second_cleaning_keeps_the_first_labels(dataset: Path, tmp_path: Path) -> None:
    with open_dataset(dataset) as old:
        relabel.clean(old, tmp_path / "one.h5", decisions(tmp_path), {})
    again = [Decision("planted:0", "sad", "correct", "happy")]
    with open_dataset(tmp_path / "one.h5") as one:
        relabel.clean(one, tmp_path / "two.h5", again, {})
    with open_dataset(tmp_path / "two.h5") as two:
        assert two.class_names[two.labels(None)[0]] == "happy"
        assert two.class_names[int(two.attribute("given_label", None)[0])] == "angry"


def test_rows_that_are_only_dropped_need_no_mark_and_the_same_changes_make_the_same_file(
    dataset: Path, tmp_path: Path
) -> None:
    with open_dataset(dataset) as old:
        for name in ("a.h5", "b.h5"):
            relabel.clean(old, tmp_path / "x" / name, [Decision("planted:5", "surprise", "drop", None)], {})
            (tmp_path / "x" / name).replace(tmp_path / name)
            if name == "a.h5":
                first = files.sha256(tmp_path / name)
        made = relabel.Changes(np.ones(126, np.bool_), old.labels(None))
        for name in ("c.h5", "d.h5"):
            relabel.write(old, tmp_path / name, made, {"command": "test"})
    assert files.sha256(tmp_path / "c.h5") == files.sha256(tmp_path / "d.h5") != first
    with open_dataset(tmp_path / "a.h5") as new:
        assert new.attribute_names == ()


def test_known_leaks_come_along(tmp_path: Path) -> None:
    from fer_cli.labels import EMOTIONS
    from fer_cli.store.writer import create_dataset

    path = tmp_path / "leaky.h5"
    with create_dataset(path, EMOTIONS) as writer:
        writer.append(helpers.planted_records())
        writer.finish({"command": "test", "results": {"split": {"leaks": ["persons"]}, "thinned": ["a=b:0.1"]}})
    with open_dataset(path) as old:
        results = relabel.clean(old, tmp_path / "new.h5", decisions(tmp_path), {})
    assert (results["split"]["leaks"], results["thinned"]) == (["persons"], ["a=b:0.1"])


HEAD = "source,given,decision,label\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,label\n", "expected the columns source, given, decision, label. Received: source, label"),
        (f"{HEAD}planted:0,angry\n", "line 2: expected 4 values. Received: 2"),
        (f"{HEAD}planted:0,angry,maybe,sad\n", "line 2: expected a decision of accept, reject, correct, drop"),
        (f"{HEAD}planted:0,angry,accept,\n", "line 2: accept of a row given as angry: unexpected label ''"),
        (f"{HEAD}planted:0,angry,reject,sad\n", "line 2: reject of a row given as angry: unexpected label 'sad'"),
        (f"{HEAD}planted:0,angry,drop,sad\n", "line 2: drop of a row given as angry: unexpected label 'sad'"),
        (f"{HEAD}\nother,angry,drop,\n", "line 3: .* has no row 'other'"),
        (f"{HEAD}planted:0,sad,drop,\n", "line 2: planted:0 in .*: expected the label sad. Received: angry"),
        (f"{HEAD}planted:0,angry,accept,bored\n", "line 2: expected a class of angry, .* Received: 'bored'"),
        (HEAD + 2 * "planted:0,angry,drop,\n", "line 3: the row 'planted:0' was decided about before"),
    ],
)
def test_what_does_not_fit_is_told_with_its_line(text: str, message: str, dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message), open_dataset(dataset) as opened:
        relabel.clean(opened, tmp_path / "new.h5", decisions(tmp_path, text), {})
    assert not (tmp_path / "new.h5").exists()


def test_a_missing_table_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: not a readable table of decisions"):
        relabel.read_decisions(tmp_path / "none.csv")
