"""Comparisons of results whose differences are planted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest

from fer_cli.analysis.compare import compare, mcnemar, paired
from fer_cli.analysis.predictions import write_predictions
from fer_cli.errors import InputError

NAMES = ("no", "yes")


def write_result(folder: Path, command: str = "eval", dataset: str = "a" * 64, **results: Any) -> Path:
    """A result.json as `fer COMMAND` writes it."""
    folder.mkdir(parents=True, exist_ok=True)
    inputs = [{"path": "data/faces.h5", "sha256": dataset}]
    record = {"command": command, "inputs": inputs, "parameters": {}, "results": results}
    (folder / "result.json").write_text(json.dumps(record), encoding="utf-8")
    return folder


def write_answers(folder: Path, right: list[int], sources: list[str], labels: list[int] | None = None) -> None:
    """A predictions.csv whose row i is right where right[i] is 1."""
    given = np.array(labels if labels is not None else [1] * len(right))
    answers = np.where(np.array(right), given, 1 - given)
    write_predictions(folder / "predictions.csv", NAMES, sources, given, np.eye(2)[answers])


def evaluation(folder: Path, **more: Any) -> Path:
    fields = {"models": ["m/mini.keras"], "split": "val", "n": 4, "protocol": "single pass", "accuracy": 0.5}
    return write_result(folder, **{**fields, **more})


@pytest.mark.parametrize(("gained", "lost"), [(0, 0), (1, 0), (3, 3), (10, 2), (0, 17), (210, 445), (900, 1000)])
def test_mcnemar_is_the_binomial_test(gained: int, lost: int) -> None:
    expected = binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, rel=1e-9)


def test_paired_counts_what_only_one_has_right() -> None:
    first = np.array([1, 1, 1, 0, 0, 0, 0, 0], bool)
    this = np.array([1, 1, 0, 1, 1, 1, 0, 0], bool)
    found = paired(this, first)
    assert (found.n, found.gained, found.lost) == (8, 3, 1)
    assert found.difference == pytest.approx(2 / 8)
    assert found.p_value == pytest.approx(binomtest(3, 4).pvalue)


def test_the_paired_interval_is_that_of_drawn_rows() -> None:
    rng = np.random.default_rng(0)
    first, this = rng.random(500) < 0.6, rng.random(500) < 0.7
    rows = rng.integers(0, 500, (4000, 500))
    expected = np.percentile(this[rows].mean(1) - first[rows].mean(1), (2.5, 97.5))
    assert paired(this, first).difference_interval == pytest.approx(expected, abs=0.006)


def test_results_against_themselves_do_not_differ() -> None:
    right = np.array([1, 0, 1], bool)
    found = paired(right, right)
    assert found.difference_interval == (0.0, 0.0)
    assert found.p_value == 1.0


def test_rows_are_matched_by_source_not_by_position(tmp_path: Path) -> None:
    first, other = evaluation(tmp_path / "first"), evaluation(tmp_path / "other", accuracy=0.75)
    write_answers(first, [1, 1, 0, 0], ["a", "b", "c", "d"])
    write_answers(other, [0, 1, 1, 1], ["d", "c", "b", "a"])
    found = compare([first, other])
    assert found.paired[0] is None
    assert found.paired[1] is not None
    assert (found.paired[1].gained, found.paired[1].lost) == (1, 0)
    assert found.notes == []


@pytest.mark.parametrize(
    ("sources", "labels", "reason"),
    [
        (["a", "b", "c", "x"], [1, 1, 1, 1], "the rows are not those of the first"),
        (["a", "b", "c"], [1, 1, 1], "the rows are not those of the first"),
        (["a", "b", "c", "d"], [1, 1, 1, 0], "the labels are not those of the first"),
    ],
)
def test_other_rows_are_not_paired(tmp_path: Path, sources: list[str], labels: list[int], reason: str) -> None:
    first, other = evaluation(tmp_path / "first"), evaluation(tmp_path / "other")
    write_answers(first, [1, 1, 0, 0], ["a", "b", "c", "d"])
    write_answers(other, [1] * len(sources), sources, labels)
    found = compare([first, other])
    assert found.paired == [None, None]
    assert found.notes == [f"{other}: no paired figures, {reason}"]


def test_a_training_run_lends_its_time_to_the_evaluation_of_its_model(tmp_path: Path) -> None:
    val = {"accuracy": 0.6, "n": 4}
    run = write_result(tmp_path / "run", "train", model="m/mini.keras", parameters=12, seconds=30.5, val=val)
    found = compare([run, evaluation(tmp_path / "eval")])
    assert [(row.model, row.accuracy, row.seconds, row.parameters) for row in found.rows] == [("mini", 0.5, 30.5, 12)]


def test_a_training_run_alone_is_a_row_that_says_how_it_was_chosen(tmp_path: Path) -> None:
    val = {"accuracy": 0.6, "top3": 0.9, "n": 4}
    run = write_result(tmp_path / "run", "train", model="m/mini.keras", parameters=12, seconds=30.5, val=val)
    (row,) = compare([run]).rows
    assert (row.model, row.split, row.n, row.accuracy, row.top3) == ("mini", "val", 4, 0.6, 0.9)
    assert row.protocol == "chosen on these rows, one network"


def test_rows_are_named_by_their_folders(tmp_path: Path) -> None:
    val = {"accuracy": 0.6, "n": 4}
    run = write_result(tmp_path / "net.v2.training", "train", model="m/net.keras", train_rows=70, val=val)
    scored = evaluation(tmp_path / "net.v3")
    alone = tmp_path / "alone.json"
    alone.write_text((scored / "result.json").read_text(encoding="utf-8"), encoding="utf-8")
    rows = compare([run, scored / "result.json", alone]).rows
    assert [row.name for row in rows] == ["net.v2", "net.v3", "alone"]
    assert [row.train_rows for row in rows] == [70, None, None]


def test_an_ensemble_has_a_time_only_when_all_its_members_have_one(tmp_path: Path) -> None:
    val = {"accuracy": 0.6, "n": 4}
    runs = [write_result(tmp_path / m, "train", model=f"{m}.keras", seconds=10, val=val) for m in ("a", "b")]
    both = evaluation(tmp_path / "both", models=["a.keras", "b.keras"])
    assert [row.seconds for row in compare([both, *runs]).rows] == [20]
    assert compare([both, runs[0]]).rows[0].seconds is None


def test_results_on_different_data_are_remarked(tmp_path: Path) -> None:
    first = evaluation(tmp_path / "first")
    other = evaluation(tmp_path / "other", dataset="b" * 64, split="test", n=5)
    notes = " ".join(compare([first, other]).notes)
    assert "different dataset files (aaaaaaaaaaaa; bbbbbbbbbbbb)" in notes
    assert "different splits (test; val)" in notes
    assert "different n (4; 5)" in notes


def test_a_result_on_splits_that_leak_is_remarked(tmp_path: Path) -> None:
    first, leaky = evaluation(tmp_path / "first", leaks=[]), evaluation(tmp_path / "leaky", leaks=["copies in val"])
    notes = compare([first, leaky]).notes
    assert f"{leaky}: copies in val" in notes
    assert not [note for note in notes if note.startswith(f"{first}: copies")]


def test_a_result_without_an_accuracy_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="a result of fer noise without an accuracy"):
        compare([write_result(tmp_path / "noise", "noise", levels=[1, 2])])


def test_the_same_result_twice_is_one_row(tmp_path: Path) -> None:
    path = evaluation(tmp_path / "eval")
    assert len(compare([path, path]).rows) == 1
