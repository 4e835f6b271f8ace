"""The bars of `fer svm`: as many as there are figures, as high as they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.figure import Figure

from fer_cli.reports import svm_figures


@pytest.mark.parametrize(("versus", "count"), [(None, 4), (("mini", 0.9, None), 5)])
def test_each_accuracy_has_its_bar(
    versus: tuple[str, float, None] | None, count: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: list[Figure] = []
    save = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", lambda self, *a, **k: (kept.append(self), save(self, *a, **k))[1])
    before, after = [(0.3, (0.2, 0.4)), (0.4, (0.3, 0.5))], [(0.5, (0.4, 0.6)), (0.4, None)]
    svm_figures.tuning(["svm-rbf", "knn"], before, after, versus, "planted", tmp_path / "a.png")
    (axes,) = kept[0].axes
    heights = [bar.get_height() for bar in axes.patches]
    assert heights == [0.3, 0.4, 0.5, 0.4, 0.9][:count]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["svm-rbf", "knn", "mini"][: count - 2]
    assert (tmp_path / "a.png").stat().st_size > 5000
