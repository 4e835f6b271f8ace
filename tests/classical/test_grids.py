"""Grids: built in, none, and from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_cli.classical.grids import read_grids
from fer_cli.errors import FerError

TOML = '[svm-rbf]\nC = [1, 10]\ngamma = ["scale", 0.1]\n[knn]\nn_neighbors = [3]\n'


def test_a_file_gives_each_classifier_its_settings_and_the_defaults_are_always_first() -> None:
    Path("grid.toml").write_text(TOML)
    found = read_grids("grid.toml", ["svm-rbf", "knn", "forest"])
    # C = 1 with gamma = scale is what the classifier is without any setting.
    assert found["svm-rbf"] == [{}, {"C": 1, "gamma": 0.1}, {"C": 10, "gamma": "scale"}, {"C": 10, "gamma": 0.1}]
    assert found["knn"] == [{}, {"n_neighbors": 3}]
    assert found["forest"] == [{}]


def test_one_classifier_needs_no_table() -> None:
    Path("grid.json").write_text('{"C": [0.5]}')
    assert read_grids("grid.json", ["logistic"]) == {"logistic": [{}, {"C": 0.5}]}
    assert read_grids("none", ["logistic"]) == {"logistic": [{}]}


@pytest.mark.parametrize(
    ("content", "names", "status", "message"),
    [
        (None, ["knn"], 3, "grid.toml: no such file; --grid takes default, none, or a .toml or .json file"),
        ("C = [", ["knn"], 3, "grid.toml: not a readable TOML file"),
        ("C = 1", ["svm-rbf"], 3, "grid.toml: C: expected a list of values. Received: 1"),
        ("c = [1]", ["svm-rbf"], 2, "unknown parameter of svm-rbf 'c': "),
        ("[svm-rbg]\nC = [1]", ["svm-rbf"], 2, "unknown classifier 'svm-rbg': did you mean 'svm-rbf'?"),
        ("C = [1]", ["svm-rbf", "knn"], 2, "expected a table for each classifier, such as [svm-rbf]"),
    ],
)
def test_files_that_are_no_grid(content: str | None, names: list[str], status: int, message: str) -> None:
    if content is not None:
        Path("grid.toml").write_text(content)
    with pytest.raises(FerError) as caught:
        read_grids("grid.toml", names)
    assert caught.value.exit_code == status
    assert message in str(caught.value)
