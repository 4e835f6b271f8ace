"""Published figures beside results whose scores are planted."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_cli.analysis import published, results
from fer_cli.errors import InputError
from tests.analysis.test_compare import evaluation

HEADER = "name,dataset,split,n,accuracy,macro_f1,protocol,source\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "published.csv"
    path.write_text(text, encoding="utf-8")
    return path


def rows_of(*folders: Path) -> list[results.Row]:
    from fer_cli.provenance import read_record

    return results.rows({folder: read_record(folder) for folder in folders})


def beside(folder: Path, text: str, *folders: Path) -> list[published.Beside]:
    return published.beside(published.read_published(table(folder, HEADER + text)), rows_of(*folders))


def test_empty_cells_are_unknown_and_columns_may_come_in_any_order(tmp_path: Path) -> None:
    (full,) = published.read_published(table(tmp_path, HEADER + 'mini,FER2013,val,3589,0.655,.6,one pass,"a, b"\n'))
    assert full == published.Published("mini", None, "FER2013", "val", 3589, 0.655, 0.6, "one pass", "a, b")
    (bare,) = published.read_published(table(tmp_path, "source,accuracy,model,name\ns,1,a net,mini\n"))
    assert bare == published.Published("mini", "a net", None, None, None, 1.0, None, None, "s")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,accuracy\n", "expected the columns name, model, dataset.*Received: name, accuracy"),
        ("name,accuracy,source,note\n", "expected the columns.*Received: name, accuracy, source, note"),
        (HEADER, "expected at least one published figure"),
        (HEADER + "mini,,val,,0.5,,,s\nmini,,val,,65.5,,,s\n", "csv:3: accuracy: expected a number from 0 to 1.*65.5"),
        (HEADER + "mini,,val,,0.5,nan,,s\n", "csv:2: macro_f1: expected a number from 0 to 1. Received: 'nan'"),
        (HEADER + "mini,,PublicTest,,0.5,,,s\n", "csv:2: split: expected train, val, test or nothing.*'PublicTest'"),
        (HEADER + "mini,,val,3.5,0.5,,,s\n", "csv:2: n: expected a whole number from 1, or nothing. Received: '3.5'"),
        (HEADER + "mini,,val,,0.5,,,\n", "csv:2: source: expected a value. Received: an empty cell"),
        (HEADER + "mini,,val\n", "csv:2: accuracy: expected a value. Received: an empty cell"),
        (HEADER + "mini,,val,,0.5,,,a,b\n", "csv:2: expected a cell for each column. Received: 1 more"),
        (HEADER + 'mini,,val,,0.5,,,"s\n', "not a readable csv file"),
    ],
)
def test_a_table_that_cannot_be_used_is_named_with_its_row(text: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=message):
        published.read_published(table(tmp_path, text))


def test_a_missing_table_and_one_that_is_not_text_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"none\.csv: No such file"):
        published.read_published(tmp_path / "none.csv")
    (tmp_path / "image.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match=r"image\.csv: not a readable csv file"):
        published.read_published(tmp_path / "image.csv")


def test_a_figure_stands_beside_the_result_of_its_name_and_split(tmp_path: Path) -> None:
    ours = evaluation(tmp_path / "mini", accuracy=0.5, accuracy_interval=[0.4, 0.6])
    text = "mini,,val,,0.6,,,s\nmini,,test,,0.7,,,s\nother,,val,,0.8,,,s\n"
    right, wrong_split, wrong_name = beside(tmp_path, text, ours, evaluation(tmp_path / "x", split="test"))
    assert (right.runs, right.n, right.accuracy, right.accuracy_interval) == (1, 4, 0.5, (0.4, 0.6))
    assert right.difference == pytest.approx(-0.1)
    for entry in (wrong_split, wrong_name):
        assert (entry.runs, entry.accuracy, entry.difference) == (0, None, None)


def test_a_figure_of_a_split_that_none_of_ours_is_of_is_left_out(tmp_path: Path) -> None:
    text = "mini,,test,,0.7,,,s\nmini,,val,,0.6,,,s\n"
    (only,) = beside(tmp_path, text, evaluation(tmp_path / "mini"))
    assert only.published.accuracy == 0.6


def test_a_figure_without_a_split_stands_beside_each_of_ours(tmp_path: Path) -> None:
    val, test = evaluation(tmp_path / "val" / "mini"), evaluation(tmp_path / "test" / "mini", split="test")
    assert [entry.split for entry in beside(tmp_path, "mini,,,,0.6,,,s\n", val, test)] == ["val", "test"]


def test_folds_of_one_name_are_pooled_by_their_rows(tmp_path: Path) -> None:
    folds = [
        evaluation(tmp_path / f"kdef-{fold}", n=n, accuracy=accuracy, accuracy_interval=[0, 1], macro_f1=accuracy)
        for fold, n, accuracy in (("one", 30, 0.5), ("two", 10, 0.9))
    ]
    other = evaluation(tmp_path / "ckplus-one")
    (entry,) = beside(tmp_path, "kdef-*,,,,0.54,,,s\n", *folds, other)
    assert (entry.runs, entry.n, entry.accuracy_interval) == (2, 40, None)
    assert entry.accuracy == entry.macro_f1 == pytest.approx((30 * 0.5 + 10 * 0.9) / 40)


def test_a_row_finds_all_figures_that_stand_beside_it_in_their_order(tmp_path: Path) -> None:
    ours, other = evaluation(tmp_path / "mini"), evaluation(tmp_path / "other")
    figures = published.read_published(
        table(tmp_path, HEADER + "mini,,test,,0.5,,,s\nm*,,,,0.6,,,s\nmini,,,,0.7,,,s\n")
    )
    found = [published.of_row(figures, row) for row in rows_of(ours, other)]
    assert [[figure.accuracy for figure in beside] for beside in found] == [[0.6, 0.7], []]
