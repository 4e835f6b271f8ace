"""`fer svm` on planted faces, and its models in the commands that take networks."""

from __future__ import annotations

import csv
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli.classical.model import load_classical
from fer_cli.transform.illuminate import step
from tests import helpers
from tests.helpers import run_fer

OUTPUTS = [
    "confusion_matrix.png", "cv.csv", "per_class.csv", "predictions.csv", "result.json", "svm-linear.skops",
    "tuning.png",
]  # fmt: skip
QUICK = ("--model", "svm-linear", "--features", "pixels", "--grid", "none", "--folds", "3")


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def results_of(*arguments: object) -> dict[str, Any]:
    result = run_fer("svm", *arguments, "--json")
    assert result.exit_code == 0, result.stderr
    results: dict[str, Any] = json.loads(result.stdout)["results"]
    return results


@pytest.fixture(scope="module")
def linear(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A linear classifier of planted faces, in a folder `out` beside its dataset."""
    folder = tmp_path_factory.mktemp("svm")
    dataset = helpers.write_dataset(folder / "planted.h5")
    assert run_fer("svm", dataset, *QUICK, "-o", folder / "out", "-q").exit_code == 0
    return folder / "out"


def test_a_classifier_is_searched_scored_and_everything_is_written(dataset: Path) -> None:
    Path("grid.toml").write_text("C = [1e-9, 0.01]\n")
    result = run_fer("svm", dataset, *QUICK[:4], "--folds", 3, "--grid", "grid.toml", "--features", "pca:0.99")
    assert result.exit_code == 0, result.stderr
    assert "val, n = 28, pca:0.99" in result.stdout
    folder = Path("results/svm-linear")
    assert sorted(path.name for path in folder.iterdir()) == OUTPUTS
    record = json.loads((folder / "result.json").read_text())
    found = record["results"]
    assert found["files"] == [name for name in OUTPUTS if name != "result.json"]
    assert (found["split"], found["n"], found["protocol"]) == ("val", 28, "single pass, one classifier")
    assert found["cross_validation"]["grouped_by"] == "subject"
    cells = read(folder / "cv.csv")
    assert len(cells) == 9 == found["cross_validation"]["fits"]
    assert [cell["fold"] for cell in cells[:3]] == ["1", "2", "3"]
    best = [float(cell["accuracy"]) for cell in cells if cell["best"] == "1"]
    assert np.mean(best) == pytest.approx(found["cross_validation"]["accuracy"])


def test_planted_faces_are_named_rightly_and_the_search_ignores_val(linear: Path, tmp_path: Path) -> None:
    record = json.loads((linear / "result.json").read_text())
    assert record["results"]["accuracy"] == record["results"]["before_tuning"]["accuracy"] == 1
    wrong = helpers.planted_records()
    wrong.labels[wrong.split == 1] = (wrong.labels[wrong.split == 1] + 1) % 7
    other = results_of(helpers.write_dataset(tmp_path / "wrong.h5", wrong), *QUICK)
    assert other["accuracy"] == 0
    assert other["cross_validation"] == record["results"]["cross_validation"]


def test_the_file_scores_in_eval_as_it_did_here(linear: Path) -> None:
    result = run_fer("eval", linear / "svm-linear.skops", linear.parent / "planted.h5", "-o", "again", "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["results"]
    own = json.loads((linear / "result.json").read_text())["results"]
    assert {key: found[key] for key in ("accuracy", "nll", "ece")} == {
        key: own[key] for key in ("accuracy", "nll", "ece")
    }
    assert Path("again/predictions.csv").read_bytes() == (linear / "predictions.csv").read_bytes()
    assert found["members"][0]["parameters"] is None


def test_a_network_and_a_classifier_are_an_ensemble(linear: Path, tmp_path: Path) -> None:
    wrong = helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))
    arguments = (wrong, linear / "svm-linear.skops", linear.parent / "planted.h5", "--search-weights", "--json")
    result = run_fer("eval", *arguments)
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)["results"]
    assert found["accuracy"] == 1
    assert found["protocol"] == "single pass, ensemble of 2 weighted on these rows"
    assert found["weight_search"]["weights"][1] > 0.5


def test_images_are_adapted_and_light_is_corrected_as_for_a_network(tmp_path: Path) -> None:
    corrected = helpers.write_dataset(tmp_path / "clahe.h5", transforms=[step("clahe")])
    assert run_fer("svm", corrected, *QUICK, "-o", "out", "-q").exit_code == 0
    plain = helpers.write_dataset(tmp_path / "rgb.h5", helpers.planted_records((0, 28, 0), channels=3))
    result = run_fer("eval", "out/svm-linear.skops", plain, "--json")
    assert result.exit_code == 0, result.stderr
    (member,) = json.loads(result.stdout)["results"]["members"]
    assert (member["adapted"], member["illumination"]) == ("24×24×3 to 24×24×1", ["clahe"])


def test_several_classifiers_have_a_folder_each_and_one_summary(dataset: Path, linear: Path) -> None:
    Path("grid.toml").write_text("[knn]\nn_neighbors = [1]\n")
    models = ("--model", "knn", "--model", "svm-linear", "--features", "pixels", "--grid", "grid.toml", "--folds", 2)
    results = results_of(dataset, *models, "--versus", linear)
    assert [row["classifier"] for row in results["classifiers"]] == ["knn", "svm-linear"]
    assert (results["versus"]["model"], results["versus"]["accuracy"], results["versus"]["notes"]) == (
        "svm-linear",
        1,
        [],
    )
    folder = Path("results/knn-svm-linear")
    assert (folder / "tuning.png").is_file()
    compared = run_fer("compare", folder / "knn", folder / "svm-linear", linear)
    assert compared.exit_code == 0, compared.stderr
    rows = read(Path("results/comparison/comparison.csv"))
    assert [row["model"] for row in rows] == ["knn", "svm-linear", "svm-linear"]
    assert all(float(row["seconds"]) > 0 and row["train_rows"] == "70" for row in rows)
    assert all(float(row["against_first_difference"]) >= 0 for row in rows[1:])
    assert run_fer("report", folder, "-o", "page.html").exit_code == 0
    page = Path("page.html").read_text()
    assert "the parameters found" in page
    assert "Search on train: 2 folds by subject" in page


def test_the_same_command_twice_gives_the_same_result(dataset: Path) -> None:
    for name in ("a", "b"):
        arguments = ("--model", "svm-rbf", "--features", "pca:5", "--grid", "none", "--folds", 2, "--subsample", 40)
        assert run_fer("svm", dataset, *arguments, "-o", name, "-q").exit_code == 0
    assert Path("a/predictions.csv").read_bytes() == Path("b/predictions.csv").read_bytes()
    temperatures = [load_classical(Path(name, "svm-rbf.skops")).temperature for name in ("a", "b")]
    assert temperatures[0] == temperatures[1]


def test_test_rows_are_scored_on_request_only(linear: Path) -> None:
    assert results_of(linear.parent / "planted.h5", *QUICK, "--split", "test", "-o", "test")["split"] == "test"
    assert json.loads((linear / "result.json").read_text())["results"]["split"] == "val"


def test_a_result_of_other_rows_is_compared_with_care(linear: Path, tmp_path: Path) -> None:
    other = helpers.write_dataset(tmp_path / "other.h5", helpers.planted_records((70, 28, 28), seed=5))
    result = run_fer("svm", other, *QUICK, "--versus", linear, "--split", "test")
    assert result.exit_code == 0
    assert "is of the split val, not of test: compare it with care" in result.stderr
    assert "is of another dataset file than" in result.stderr


def test_accelerated_fits_leave_a_file_that_needs_no_extra(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("sklearnex")
    arguments = ("--accel", "--features", "pixels", "--grid", "none", "--folds", 2)
    assert run_fer("svm", dataset, *arguments, "-o", "out", "-q").exit_code == 0
    for name in [name for name in sys.modules if name.split(".")[0] in ("sklearnex", "onedal", "daal4py")]:
        monkeypatch.setitem(sys.modules, name, None)
    result = run_fer("eval", "out/svm-rbf.skops", dataset, "--json")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["results"]["accuracy"] == 1


def test_a_dask_cluster_fits(dataset: Path) -> None:
    distributed = pytest.importorskip("distributed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the cluster's own making, when its workers go
        with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            cluster.wait_for_workers(1)
            where = ("--backend", "dask", "--scheduler", cluster.scheduler_address)
            spread = results_of(dataset, *QUICK, *where, "-o", "spread")
    assert spread["cross_validation"] == results_of(dataset, *QUICK, "-o", "here")["cross_validation"]


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--model", "svm"], 2, "'svm' is not one of 'svm-rbf'"),
        (["--folds", "1"], 2, "1 is not in the range 2<=x<=100"),
        (["--folds", "40"], 2, "expected at least 80 rows for 40 folds. Received: 70"),
        (["--folds", "20"], 3, "20 folds: expected at least as many persons or distinct images. Received: 10"),
        (["--features", "eigen"], 2, "unknown kind of features 'eigen'"),
        (["--features", "pca:200"], 2, "n_components=200 must be between 0 and"),
        (["--grid", "none.toml"], 3, "none.toml: no such file"),
        (["--backend", "dask"], 2, "--backend dask and --scheduler ADDRESS go together"),
        (["--versus", "none"], 3, "none: no such file"),
        (["--split", "dev"], 2, "'dev' is not one of 'train', 'val', 'test'"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str, dataset: Path) -> None:
    result = run_fer("svm", dataset, *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not list(Path().glob("results/*"))


def test_a_split_without_rows(tmp_path: Path) -> None:
    dataset = helpers.write_dataset(tmp_path / "train.h5", helpers.planted_records((70, 0, 0)))
    result = run_fer("svm", dataset, *QUICK)
    assert result.exit_code == 3
    assert "the split 'val' is empty; filled are: train" in result.stderr


def test_accel_without_its_extra_says_how_to_install_it(dataset: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearnex.svm", None)
    result = run_fer("svm", dataset, "--accel")
    assert result.exit_code == 5
    assert "--accel needs the extra accel: pip install 'fer-cli[accel]'" in result.stderr


def test_an_existing_result_is_kept_unless_overwrite(dataset: Path, linear: Path) -> None:
    refused = run_fer("svm", dataset, *QUICK, "-o", linear)
    assert refused.exit_code == 4
    assert "exists; choose another -o or say --overwrite" in refused.stderr
