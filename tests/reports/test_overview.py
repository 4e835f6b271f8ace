"""What a report begins with: planted scores are found, named, and put beside the data sets and published figures."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_cli.errors import InputError
from fer_cli.reports import overview
from tests import helpers
from tests.helpers import run_fer
from tests.reports.studies import write_result, write_score

PUBLISHED = "name,accuracy,split,source\nplain,0.56,val,student study\nmissing,0.7,val,student study\n"


@pytest.fixture
def studies(tmp_path: Path) -> Path:
    """Two studies; `plain` is in both, and in the first on two data sets, where it is compared with others' figures."""
    faces, photos = (helpers.write_dataset(tmp_path / "data" / f"{name}.h5") for name in ("faces", "photos"))
    results = [
        write_score(tmp_path / "size" / "val" / "plain", faces, 0.5),
        write_score(tmp_path / "size" / "val" / "deep", faces, 0.6),
    ]
    write_score(tmp_path / "size" / "photos" / "plain", photos, 0.4)
    write_score(tmp_path / "noise" / "val" / "plain", faces, 0.55)
    (tmp_path / "published.csv").write_text(PUBLISHED)
    compared = run_fer(
        "compare", *results, "--published", tmp_path / "published.csv", "-o", tmp_path / "size" / "comparison"
    )
    assert compared.exit_code == 0, compared.output
    return tmp_path


def test_each_of_several_folders_is_a_part_and_what_is_found_twice_belongs_to_the_first(studies: Path) -> None:
    parts = overview.find([studies / "noise", studies / "size" / "val", studies])
    assert [part.title for part in parts] == ["noise", "val", studies.name]
    assert [len(part.records) for part in parts] == [1, 2, 2]
    assert [len(part.datasets) for part in parts] == [0, 0, 2]
    sections = list(overview.sections_of(parts))
    assert [section.part for section in sections] == ["noise", "val", "val", *[studies.name] * 4]
    assert len({section.anchor for section in sections}) == 7


def test_one_folder_and_files_make_a_page_without_parts(studies: Path) -> None:
    (part,) = overview.find([studies / "size", studies / "data" / "faces.h5"])
    assert part.title == ""
    assert (len(part.records), len(part.datasets)) == (4, 1)


def test_parts_of_one_name_are_told_apart_by_their_path(studies: Path) -> None:
    titles = [part.title for part in overview.find([studies / "size" / "val", studies / "noise" / "val"])]
    assert titles == [str(studies / "size" / "val"), str(studies / "noise" / "val")]


def test_an_empty_folder_is_no_part_and_nothing_at_all_is_refused(studies: Path) -> None:
    (studies / "empty").mkdir()
    assert [part.title for part in overview.find([studies / "empty", studies / "noise"])] == ["noise"]
    with pytest.raises(InputError, match=r"no result\.json and no dataset file below"):
        overview.find([studies / "empty"])


def test_the_summary_has_models_by_data_sets_all_scores_and_published_figures(studies: Path) -> None:
    summary = overview.summary(overview.find([studies / "size", studies / "noise"]))
    assert summary is not None
    matrix, scores, published = summary.tables
    assert matrix.header == ["model", "photos val", "faces val"]
    assert [list(row) for row in matrix.rows] == [
        ["plain, size", 0.4, 0.5],
        ["deep", None, 0.6],
        ["plain, noise", None, 0.55],
    ]
    assert scores.title == "Scores (val, n = 28, single pass, one network)"
    assert scores.header[:4] == ["study", "model", "dataset", "accuracy"]
    assert ["noise", "plain", "faces", 0.55] in [list(row[:4]) for row in scores.rows]
    assert published.header[0] == "study"
    ours = {row[1]: row[list(published.header).index("ours")] for row in published.rows}
    assert ours == {"plain": 0.5, "missing": None}


def test_the_chart_has_the_models_of_each_data_set_the_best_first(
    studies: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    real = overview.figures.models_by_dataset
    monkeypatch.setattr(
        overview.figures, "models_by_dataset", lambda groups, path: (drawn.append(groups), real(groups, path))
    )
    summary = overview.summary(overview.find([studies / "size", studies / "noise"]))
    assert summary is not None
    assert len(summary.figures) == 1
    shown = {heading: [(name, value, theirs) for name, value, _, theirs in rows] for heading, rows in drawn[0]}
    assert shown == {
        "photos val (n = 28)": [("plain", 0.4, [0.56])],
        "faces val (n = 28)": [("deep", 0.6, []), ("plain, noise", 0.55, []), ("plain, size", 0.5, [0.56])],
    }


def test_a_single_score_needs_no_chart_and_no_matrix(studies: Path) -> None:
    summary = overview.summary(overview.find([studies / "noise"]))
    assert summary is not None
    assert summary.figures == []
    assert [table.title for table in summary.tables] == ["Scores (faces, val, n = 28, single pass, one network)"]


def test_results_without_an_accuracy_need_no_summary(tmp_path: Path) -> None:
    write_result(tmp_path / "other", "export", a=1)
    assert overview.summary(overview.find([tmp_path])) is None
