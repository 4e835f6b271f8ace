"""`fer attack` on networks whose boundaries are known."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import create_dataset
from tests import helpers
from tests.helpers import run_fer

#: A planted face needs 0.3 to 0.4 of full brightness.
SWEEP = ("--method", "fgsm", "--epsilon", "0.1", "--epsilon", "127.5/255", "--limit", "2")
QUICK = (*SWEEP, "--no-checks")


def test_a_network_is_attacked_and_everything_is_written(model: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("attack", model, dataset, *SWEEP)
    assert result.exit_code == 0, result.stderr
    assert "planted.keras on planted.h5, val, n = 14, untargeted, white box" in result.stdout
    folder = tmp_path / "results" / "attack-planted-val"
    record = json.loads((folder / "result.json").read_text())
    results = record["results"]
    assert results["clean"]["accuracy"] == 1
    assert [row["accuracy"] for row in results["attacks"]] == [1.0, 0.0]
    assert [row["success"] for row in results["attacks"]] == [0.0, 1.0]
    assert results["strongest"]["epsilon"] == 0.5
    assert [check["name"] for check in results["checks"]] == ["epsilon, fgsm", "gradient", "pgd", "square"]
    assert results["files"] == [
        "accuracy_against_epsilon.png", "attack.csv", "confusion_under_attack.png", "examples-fgsm.png",
    ]  # fmt: skip
    with (folder / "attack.csv").open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [(row["method"], row["epsilon"], row["accuracy"]) for row in rows] == [
        ("fgsm", "0.1", "1.0"),
        ("fgsm", "0.5", "0.0"),
    ]
    assert float(rows[0]["mean_linf"]) == pytest.approx(0.1, rel=1e-3)


def test_json_is_the_object_in_the_file_and_repeats_itself(model: Path, dataset: Path) -> None:
    found = []
    for name in ("a", "b"):
        result = run_fer("attack", model, dataset, *QUICK, "--method", "pgd", "-o", name, "--seed", 4, "--json")
        found.append(json.loads(result.stdout))
        assert found[-1] == json.loads(Path(name, "result.json").read_text())
    assert found[0]["results"] == found[1]["results"]


def test_saved_images_are_a_dataset_that_eval_scores_the_same(model: Path, tmp_path: Path) -> None:
    records = helpers.planted_records((7, 28, 7))
    codes = (np.arange(len(records)) % 2).astype(np.uint8)
    with create_dataset(tmp_path / "named.h5", tuple(helpers.EMOTIONS), {"gender": ("male", "female")}) as writer:
        writer.append(replace(records, attributes={"gender": codes}))
        writer.finish({"command": "test"})
    # Near the boundary, so that some rows stay.
    asked = ("--method", "fgsm", "--epsilon", "0.02", "--epsilon", "0.34", "--no-checks")
    result = run_fer("attack", model, "named.h5", *asked, "--save", "attacked.h5", "--json")
    assert result.exit_code == 0, result.stderr
    saved = json.loads(result.stdout)["results"]["saved"]
    assert (saved["path"], saved["method"], saved["epsilon"], saved["n"]) == ("attacked.h5", "fgsm", 0.34, 28)
    scored = run_fer("eval", model, "attacked.h5", "--json", "-o", "scores")
    assert json.loads(scored.stdout)["results"]["accuracy"] == saved["accuracy_rounded"]
    with open_dataset(tmp_path / "named.h5") as before, open_dataset(tmp_path / "attacked.h5") as after:
        assert after.transforms[-1]["name"] == "attack"
        assert after.count("train") == 0
        assert after.sources("val") == before.sources("val")
        assert after.subjects("val") == before.subjects("val")
        np.testing.assert_array_equal(after.attribute("gender", "val"), before.attribute("gender", "val"))
        assert after.attribute_values("gender") == ("male", "female")
        change = after.images("val").take([0]).astype(int) - before.images("val").take([0])
        assert np.abs(change).max() == round(0.34 * 255)


def test_a_transfer_says_where_images_were_made(model: Path, dataset: Path, tmp_path: Path) -> None:
    wrong = helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))
    result = run_fer("attack", wrong, dataset, *QUICK, "--craft-on", model, "--json")
    results = json.loads(result.stdout)["results"]
    assert results["protocol"] == "untargeted, crafted on planted.keras"
    assert results["clean"]["accuracy"] == pytest.approx(6 / 7)
    assert [Path(entry["path"]).name for entry in json.loads(result.stdout)["inputs"]] == [
        "wrong.keras", "planted.h5", "planted.keras",
    ]  # fmt: skip


def test_a_target_is_aimed_at(model: Path, dataset: Path) -> None:
    result = run_fer("attack", model, dataset, *QUICK, "--method", "pgd", "--target", "happy", "--json")
    results = json.loads(result.stdout)["results"]
    assert (results["n"], results["protocol"]) == (12, "aimed at happy, white box")
    assert results["strongest"]["success"] == 1
    assert "rows of the class happy were left out" in results["notes"]


def test_methods_of_several_norms_share_a_graph_with_published_figures(model: Path, dataset: Path) -> None:
    Path("published.csv").write_text("epsilon,accuracy,source\n0.01,0.38,a study\n")
    asked = (*QUICK, "--method", "patch", "--steps", "3", "--published", "published.csv", "-o", "out", "--json")
    result = run_fer("attack", model, dataset, *asked)
    assert result.exit_code == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    assert [row["norm"] for row in results["attacks"]] == ["inf", "inf", "0", "0"]
    assert "patch learnt from 1,000 rows of train at most" in results["notes"]
    assert run_fer("report", "out", "-o", "page.html").exit_code == 0
    page = Path("page.html").read_text()
    assert "fgsm: Faces under attack" in page
    assert "Accuracy under attack with its 95 % interval" in page


def test_images_are_brought_to_the_input_first(model: Path, tmp_path: Path) -> None:
    rgb = helpers.write_dataset(tmp_path / "rgb.h5", helpers.planted_records((0, 14, 0), channels=3))
    result = run_fer("attack", model, rgb, *QUICK)
    assert result.exit_code == 0
    assert "images adapted from 24×24×3 to 24×24×1 before the attack" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--method", "patch", "--norm", "2"), "--norm 2: patch cannot be held to it, only to 0; those that can are"),
        (("--method", "fgsm", "--epsilon", "8"), "--epsilon 8: expected at most 1"),
        (("--epsilon", "0"), "expected a part above 0, such as 4/255 or 0.03. Received: 0"),
        (("--epsilon", "1/x"), "expected a part above 0, such as 4/255 or 0.03. Received: 1/x"),
        (("--method", "nosuch"), "'nosuch' is not one of 'fgsm'"),
        (("--target", "hapy"), "--target: unknown class 'hapy': did you mean 'happy'?"),
        (("--method", "fgsm", "--method", "bim", "--save", "a.h5"), "--save: expected one --method. Received: fgsm, b"),
        (("--save", "a.csv"), "--save a.csv: expected a name that ends in .h5"),
        (("other.keras",), "one MODEL expected, not 2"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], message: str, model: Path, dataset: Path) -> None:
    result = run_fer("attack", model, dataset, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("results").exists()


def test_inputs_that_cannot_be_used(model: Path, dataset: Path) -> None:
    for arguments, message in {
        ("none.keras", dataset): "none.keras: no such model file",
        (model, "none.h5"): "none.h5: no such dataset file",
        (model, dataset, "--craft-on", "other.keras"): "other.keras: no such model file",
    }.items():
        result = run_fer("attack", *arguments, *QUICK)
        assert result.exit_code == 3
        assert message in result.stderr
    assert not Path("results").exists()


def test_a_network_that_sees_crops_is_not_saved_from(dataset: Path, tmp_path: Path) -> None:
    from fer_cli.models import load_model, save_model

    loaded = load_model(helpers.write_model(tmp_path / "whole.keras"))
    save_model(loaded.network, tmp_path / "crop.keras", {**loaded.metadata, "crop": [26, 26]})
    result = run_fer("attack", "crop.keras", dataset, *QUICK, "--save", "a.h5")
    assert result.exit_code == 2
    assert "--save: crop.keras sees the centre of its images" in result.stderr
    assert not Path("a.h5").exists()


def test_an_existing_result_is_kept_unless_overwrite(model: Path, dataset: Path) -> None:
    Path("out").mkdir()
    Path("out/result.json").write_text("{}")
    assert run_fer("attack", model, dataset, *QUICK, "-o", "out").exit_code == 4
    assert Path("out/result.json").read_text() == "{}"
    assert run_fer("attack", model, dataset, *QUICK, "-o", "out", "--overwrite").exit_code == 0


@pytest.mark.skipif(importlib.util.find_spec("jax") is None, reason="jax is not installed")
def test_attacks_are_the_same_on_jax(model: Path, dataset: Path) -> None:
    asked = ("--method", "bim", "--method", "apgd", "--epsilon", "0.34", "--no-checks", "--steps", "5", "-q")
    for backend in ("tensorflow", "jax"):
        command = [sys.executable, "-m", "fer_cli.main", "attack", model, dataset, *asked, "-o", backend]
        subprocess.run(list(map(str, command)), check=True, env={**os.environ, "KERAS_BACKEND": backend})
    found = [json.loads(Path(name, "result.json").read_text())["results"] for name in ("tensorflow", "jax")]
    for ours, theirs in zip(*(results["attacks"] for results in found), strict=True):
        assert 0 < ours["accuracy"] < 1
        assert ours["accuracy"] == pytest.approx(theirs["accuracy"], abs=0.04)
        assert ours["mean_l2"] == pytest.approx(theirs["mean_l2"], rel=0.02)


def test_another_result_stands_beside_it(model: Path, dataset: Path) -> None:
    attack = ("attack", model, dataset, "--method", "fgsm", "--epsilon", "8/255", "--no-checks", "-q")
    assert run_fer(*attack, "-o", "plain").exit_code == 0
    assert run_fer(*attack, "-o", "both", "--versus", "plain").exit_code == 0
    record = json.loads(Path("both/result.json").read_text())
    assert record["parameters"]["versus"] == ["plain"]
    assert record["inputs"][-1]["path"] == "plain/result.json"
    drawn = [Path(name, "accuracy_against_epsilon.png").read_bytes() for name in ("plain", "both")]
    assert drawn[0] != drawn[1]

    fewer = run_fer(*attack, "-o", "fewer", "--limit", "1", "--versus", "plain")
    assert fewer.exit_code == 3
    assert "plain: expected a result on 7 rows of val. Received: 28 of val" in fewer.stderr
    assert run_fer("eval", model, dataset, "-o", "scores", "-q").exit_code == 0
    other = run_fer(*attack, "-o", "other", "--versus", "scores")
    assert other.exit_code == 3
    assert "scores: expected a result of fer attack. Received: one of fer eval" in other.stderr
    assert not Path("other").exists()
