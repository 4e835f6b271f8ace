"""Ranking of probable label errors where the errors are planted, and who is right about them."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli import catalog
from fer_cli.analysis.labels import judges, methods
from fer_cli.analysis.labels.answers import Answers
from fer_cli.analysis.labels.ranking import Ranking, rank, read_suspects, write_suspects
from fer_cli.analysis.labels.results import results
from fer_cli.datasets.relabel import ACCEPT, DROP
from fer_cli.errors import InputError, MissingError, UsageError
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from tests.helpers import write_dataset

needs_cleanlab = pytest.mark.skipif(importlib.util.find_spec("cleanlab") is None, reason="cleanlab is not installed")
ABC = ("a", "b", "c")


def answers(labels: list[int], probabilities: list[list[float]], names: tuple[str, ...] = ABC) -> Answers:
    return Answers(
        class_names=names,
        split="val",
        sources=[f"row{i}" for i in range(len(labels))],
        labels=np.array(labels, np.uint8),
        probabilities=np.array(probabilities, np.float32),
        protocol="by hand",
    )


@pytest.fixture
def ranking() -> Ranking:
    """Five rows, of which the second, the fourth and the fifth are suspected, in the order 4, 2, 5."""
    return rank(
        answers(
            [0, 1, 2, 0, 1],
            [[0.9, 0.1, 0], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8], [0, 0.3, 0.7], [0.5, 0.4, 0.1]],
        ),
        "mistakes",
    )


def planted(rows: int = 700, flips: int = 35, seed: int = 0) -> tuple[Answers, np.ndarray]:
    """Labels of which `flips` are wrong, and the answers of a model that is right in 9 of 10 rows; the true labels."""
    rng = np.random.default_rng(seed)
    truth = np.arange(rows) % len(EMOTIONS)
    labels = truth.copy()
    labels[rng.permutation(rows)[:flips]] += 1
    labels %= len(EMOTIONS)
    logits = rng.normal(0, 1, (rows, len(EMOTIONS)))
    logits[np.arange(rows), truth] += rng.normal(4, 1, rows)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return answers(labels.tolist(), probabilities.tolist(), EMOTIONS), truth


def test_misnamed_rows_come_by_the_probability_of_the_wrong_class(ranking: Ranking) -> None:
    assert ranking.rows.tolist() == [3, 1, 4]
    assert ranking.suggested.tolist() == [2, 0, 0]
    assert ranking.suspicion == pytest.approx([0.7, 0.6, 0.5])
    assert ranking.pairs(1) == [
        {"given": "b", "suggested": "a", "suspects": 2, "top": 0},
        {"given": "a", "suggested": "c", "suspects": 1, "top": 1},
    ]


def test_of_equally_suspicious_rows_the_one_with_the_surer_suggestion_comes_first(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(methods, "mistakes", lambda labels, probabilities: np.ones(len(labels)))
    found = rank(answers([0, 0, 0], [[0.4, 0.6, 0], [0.2, 0, 0.8], [0.9, 0.1, 0]]), "mistakes")
    assert found.rows.tolist() == [1, 0]


@needs_cleanlab
@pytest.mark.parametrize("method", catalog.LABEL_METHODS)
def test_every_method_finds_the_planted_errors(method: str) -> None:
    said, truth = planted()
    found = rank(said, method)
    assert (found.answers.labels[found.rows] != found.suggested).all()
    assert (np.diff(found.suspicion) <= 1e-12).all()
    assert 0 <= found.suspicion.min() <= found.suspicion.max() <= 1
    against = judges.against_truth(found, truth, 10, 0)
    assert against["wrong"] == 35
    assert against["precision_at_wrong"] >= 0.8
    low, high = against["precision_at_wrong_interval"]
    assert low < against["precision_at_wrong"] < high <= 1


@needs_cleanlab
def test_cleanlab_s_scores_are_its_formulas() -> None:
    labels, p = np.array([1]), np.array([[0.7, 0.2, 0.1]])
    assert methods.self_confidence(labels, p) == pytest.approx([0.8])
    assert methods.margin(labels, p) == pytest.approx([(1 - 0.2 + 0.7) / 2])
    x = -(p * np.log(p)).sum() / np.log(3) / 0.2
    assert methods.entropy(labels, p) == pytest.approx([1 - np.log1p(x) / x])


@needs_cleanlab
def test_confident_learning_suspects_about_as_many_rows_as_are_wrong_and_needs_two_classes() -> None:
    said, _ = planted()
    suspected = ~np.isnan(methods.confident_learning(said.labels, said.probabilities))
    assert 25 <= suspected.sum() <= 50
    with pytest.raises(InputError, match="expected rows of two classes or more"):
        methods.confident_learning(np.zeros(4, int), np.full((4, 2), 0.5))


def test_without_cleanlab_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    methods.require("mistakes")
    for name in [name for name in sys.modules if name.split(".")[0] == "cleanlab"]:
        monkeypatch.delitem(sys.modules, name)
    real = importlib.import_module

    def absent(name: str, *more: Any) -> Any:
        if name.startswith("cleanlab"):
            raise ModuleNotFoundError(name)
        return real(name, *more)

    monkeypatch.setattr(methods.importlib, "import_module", absent)
    for method in catalog.LABEL_METHODS.keys() - {"mistakes"}:
        with pytest.raises(MissingError, match=r"need the extra labels: pip install 'fer-cli\[labels\]'"):
            methods.require(method)


def test_precision_counts_places_that_no_suspect_fills_as_right_labels(ranking: Ranking) -> None:
    truth = np.array([1, 0, 0, 2, 1])  # wrong are rows 0, 1, 2 and 3
    found = judges.against_truth(ranking, truth, 2, 0)
    assert (found["n"], found["wrong"], found["wrong_among_suspects"]) == (5, 4, 2)
    assert found["precision_at_wrong"] == 2 / 4
    assert found["mended_at_wrong"] == 2 / 4
    assert found["precision_at_top"] == 1
    assert found["by_chance"] == 4 / 5


def test_where_nothing_is_wrong_there_is_no_precision(ranking: Ranking) -> None:
    found = judges.against_truth(ranking, ranking.answers.labels.astype(np.intp), 2, 0)
    assert (found["wrong"], found["precision_at_wrong"], found["precision_at_wrong_interval"]) == (0, None, None)


def test_votes_side_with_the_model_the_label_another_class_or_nobody(ranking: Ranking) -> None:
    majority = ["a", "b", "c", "c", "contempt"]
    assert judges.sides(ranking, majority) == ["model", "given", "other"]
    found = judges.against_votes(ranking, majority, 2, 0)
    assert {side: found["top"][side] for side in judges.SIDES} == {"model": 1, "given": 1, "other": 0, "none": 0}
    assert found["top"]["share_model"] == 0.5
    assert found["suspects"]["n"] == 3
    assert found["all_rows"] == {"n": 5, "given": 3, "share_given": 3 / 5}
    nobody = judges.against_votes(ranking, [None] * 5, 2, 0)
    assert nobody["top"]["none"] == 2
    assert nobody["all_rows"] == {"n": 0, "given": 0, "share_given": None}


def test_the_table_of_suspects_gives_the_worst_back(ranking: Ranking, tmp_path: Path) -> None:
    path = tmp_path / "suspects.csv"
    write_suspects(path, ranking, ["a", "b", None, None, "c"])
    assert path.read_text().splitlines()[:2] == [
        "rank,source,given,suggested,suspicion,majority,p_a,p_b,p_c",
        "1,row3,a,c,0.700000,,0.000000,0.300000,0.700000",
    ]
    for decision, label in ((DROP, None), (ACCEPT, "c")):
        read, made = read_suspects(path, 2, decision), ranking.worst(2, decision)
        assert [(d.source, d.given, d.decision, d.label) for d in read] == [
            (d.source, d.given, d.decision, d.label) for d in made
        ]
        assert (made[0].source, made[0].label) == ("row3", label)


def test_more_than_all_suspects_cannot_be_dropped(ranking: Ranking, tmp_path: Path) -> None:
    write_suspects(tmp_path / "s.csv", ranking)
    for drop in (lambda: ranking.worst(4, DROP), lambda: read_suspects(tmp_path / "s.csv", 4, DROP)):
        with pytest.raises(UsageError, match="--drop-worst 4: expected at most the 3 rows that are suspected"):
            drop()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,given\nx,a\n", "expected the columns rank, source, given, suggested, suspicion, …"),
        ("rank,source,given,suggested,suspicion\n1,row0,a\n", "line 2: expected 5 values"),
        (None, "not a readable table of suspects"),
    ],
)
def test_another_table_is_refused(text: str | None, message: str, tmp_path: Path) -> None:
    if text is not None:
        (tmp_path / "s.csv").write_text(text)
    with pytest.raises(InputError, match=message):
        read_suspects(tmp_path / "s.csv", 1, DROP)


def test_results_hold_conditions_and_the_worst(ranking: Ranking) -> None:
    found = results(ranking, judges.Known(majority=["a", "b", "c", "c", None]), 2, 0)
    assert (found["n"], found["suspects"], found["accuracy"], found["truth"]) == (5, 3, 0.4, None)
    first, second = found["worst"]
    assert first == {"rank": 1, "source": "row3", "given": "a", "suggested": "c", "suspicion": pytest.approx(0.7),
                     "majority": "c"}  # fmt: skip
    assert second["source"] == "row1"


def test_a_file_without_true_labels_knows_none(tmp_path: Path) -> None:
    with open_dataset(write_dataset(tmp_path / "plain.h5")) as dataset:
        assert judges.known(dataset, "val", None) == judges.Known()
