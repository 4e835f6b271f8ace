"""`fer worst-labels` on faces of which some are labelled wrongly on purpose."""

from __future__ import annotations

import codecs
import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fer_cli import catalog, files, models
from fer_cli.analysis.labels import methods
from fer_cli.errors import InterruptedWorkError, MissingError
from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from fer_cli.store.writer import create_dataset
from fer_cli.training import fit
from tests import browser, helpers, tiny
from tests.datasets.layouts import write_votes
from tests.helpers import run_fer

#: Rows of train and val, and how many of each are labelled wrongly: 5 %.
TRAIN, VAL, WRONG, WRONG_VAL = 420, 140, 21, 7
QUICK = ("--arch", "tiny", "--epochs", 6, "--batch-size", 14, "--warmup", 0, "--lr", 0.05, "--schedule", "constant")
FILES = ["predictions.csv", "result.json", "suspects.csv", "suspects.png"]


@pytest.fixture
def flipped(tmp_path: Path) -> Path:
    """Planted faces of which one in twenty has the label of another class; `true_label` knows the right ones."""
    rng = np.random.default_rng(3)
    records = helpers.planted_records((TRAIN, VAL, 0))
    labels = records.labels.copy()
    wrong = np.concatenate([rng.permutation(TRAIN)[:WRONG], TRAIN + rng.permutation(VAL)[:WRONG_VAL]])
    labels[wrong] = (labels[wrong] + rng.integers(1, 7, len(wrong))) % 7
    path = tmp_path / "flipped.h5"
    with create_dataset(path, EMOTIONS, {"true_label": EMOTIONS}) as writer:
        writer.append(replace(records, labels=labels, attributes={"true_label": records.labels}))
        writer.finish({"command": "test"})
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def results(*arguments: object) -> dict[str, Any]:
    done = run_fer("worst-labels", *arguments, "--json")
    assert done.exit_code == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)["results"]
    return found


def wrong_rows(path: Path, split: str | None) -> set[str]:
    with open_dataset(path) as dataset:
        wrong = dataset.labels(split) != dataset.attribute("true_label", split)
        return set(np.array(dataset.sources(split))[wrong])


def test_planted_errors_are_the_suspects_and_everything_is_written(model: Path, flipped: Path, tmp_path: Path) -> None:
    result = run_fer("worst-labels", model, flipped)
    assert result.exit_code == 0, result.stderr
    told = " ".join(result.stdout.split())
    assert "7 suspects by mistakes: flipped.h5, val, n = 140, single pass, one network" in told
    assert "Against the true labels: 7 of 140 are wrong" in told
    folder = tmp_path / "results" / "worst-labels-planted-val"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    record = json.loads((folder / "result.json").read_text())
    found = record["results"]
    assert (found["n"], found["suspects"], found["truth"]["precision_at_wrong"]) == (140, 7, 1)
    assert found["truth"]["mended_at_wrong"] == 1
    assert found["accuracy"] == pytest.approx(133 / 140)
    assert {row["source"] for row in read(folder / "suspects.csv")} == wrong_rows(flipped, "val")
    assert len(read(folder / "predictions.csv")) == 140
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.keras", "flipped.h5"]
    assert record["parameters"]["method"] == "mistakes"


def test_only_the_first_ones_are_shown(model: Path, flipped: Path) -> None:
    found = results(model, flipped, "--top", 3, "-o", "out")
    assert [row["rank"] for row in found["worst"]] == [1, 2, 3]
    assert len(read(Path("out/suspects.csv"))) == 7
    refused = run_fer("worst-labels", model, flipped, "-o", "out")
    assert refused.exit_code == 4
    assert "out exists; choose another -o or say --overwrite" in refused.stderr


def test_a_method_of_cleanlab(model: Path, flipped: Path) -> None:
    pytest.importorskip("cleanlab", reason="cleanlab is not installed")
    found = results(model, flipped, "--method", "confident-learning", "-o", "out")
    assert found["method"] == "confident-learning"
    assert found["truth"]["precision_at_wrong"] >= 0.8


def test_without_cleanlab_its_methods_end_before_the_model_is_asked(
    model: Path, flipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(module: str) -> None:
        raise MissingError("all methods but mistakes need the extra labels: pip install 'fer-cli[labels]'")

    monkeypatch.setattr(methods, "cleanlab", absent)
    result = run_fer("worst-labels", model, flipped, "--method", "margin")
    assert result.exit_code == 5
    assert result.stderr == "fer: all methods but mistakes need the extra labels: pip install 'fer-cli[labels]'\n"
    assert not Path("results").exists()


def test_votes_tell_whom_they_side_with(model: Path, flipped: Path) -> None:
    """The voters name the true class of every row but one, of which they name the given one."""
    with open_dataset(flipped) as dataset:
        records = next(dataset.records())
    wrong = sorted(wrong_rows(flipped, "val"))
    votes: list[dict[str, int]] = []
    columns = {"angry": "anger", "happy": "happiness", "sad": "sadness"}
    for source, label, true in zip(records.source, records.labels, records.attributes["true_label"], strict=True):
        voted = EMOTIONS[label if source == wrong[0] else int(true)]
        votes.append({columns.get(voted, voted): 10})
    # Row i is `planted:i`, which stands for line i of the csv; its first line of rows is line 2.
    usages = ["Training"] * TRAIN + ["PublicTest"] * VAL
    table = write_votes(Path("votes.csv"), usages[2:], votes[2:])
    found = results(model, flipped, "--votes", table, "--html", "-o", "out")
    assert found["votes"]["top"] == {
        "n": 7, "model": 6, "given": 1, "other": 0, "none": 0, "share_model": 6 / 7,
        "share_model_interval": found["votes"]["top"]["share_model_interval"],
    }  # fmt: skip
    assert found["votes"]["all_rows"] == {"n": 140, "given": 134, "share_given": 134 / 140}
    assert {row["source"]: row["majority"] for row in read(Path("out/suspects.csv"))}[wrong[0]] == next(
        row["given"] for row in found["worst"] if row["source"] == wrong[0]
    )
    assert run_fer("report", "out", "-o", "page.html").exit_code == 0
    assert "The voters&#39; majority sides with" in Path("page.html").read_text()
    other = write_votes(Path("short.csv"), usages[2:9], votes[2:9])
    refused = run_fer("worst-labels", model, flipped, "--votes", other, "-o", "none")
    assert refused.exit_code == 3
    assert "expected rows whose source is FILE:LINE of fer2013.csv, up to line 8. Received: planted:420" in (
        refused.stderr
    )


@pytest.fixture
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(catalog.ARCHITECTURES, "tiny", tiny.REFERENCE)


@pytest.mark.usefixtures("_tiny")
def test_cross_validation_finds_wrong_train_labels(flipped: Path) -> None:
    found = results(flipped, "--cross-validate", 2, *QUICK, "-o", "out")
    truth = found["truth"]
    assert (found["split"], truth["n"], truth["wrong"]) == ("train", TRAIN, WRONG)
    assert truth["precision_at_wrong"] >= 0.8
    assert found["protocol"] == "2-fold cross-validation grouped by subject, tiny"
    assert len(found["cross_validation"]["accuracies"]) == 2
    assert not Path("out.folds").exists()


@pytest.mark.usefixtures("_tiny")
def test_a_fold_that_diverged_is_told(flipped: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train = fit.train

    def diverging(*arguments: Any) -> Any:
        result = train(*arguments)
        result.state.diverged = True
        return result

    monkeypatch.setattr(fit, "train", diverging)
    result = run_fer("worst-labels", flipped, "--cross-validate", 2, *QUICK[:2], "--epochs", 1, "-o", "out", "-q")
    assert result.exit_code == 0, result.stderr
    told = [line for line in result.stderr.splitlines() if line.startswith("warning: fold")]
    assert len(told) == 2
    assert told[1].startswith("warning: fold 2: the training diverged in epoch 1: its numbers are NaN;")
    recorded = files.read_json(Path("out/result.json"))["results"]["cross_validation"]["warnings"]
    assert told == [f"warning: {line}" for line in recorded]


def test_a_model_of_the_train_rows_is_warned_of(model: Path, flipped: Path) -> None:
    loaded = models.load_model(model)
    metadata = {**loaded.metadata, "dataset": {"sha256": files.sha256(flipped)}}
    models.save_model(loaded.network, Path("net.keras"), metadata)
    told = "net.keras was trained on these rows and repeats their labels, wrong ones too"
    assert [told in line for line in results("net.keras", flipped, "--split", "train")["warnings"]] == [True]
    assert results("net.keras", flipped)["warnings"] == []


@pytest.mark.usefixtures("_tiny")
def test_an_interrupted_cross_validation_goes_on_with_what_is_there(
    flipped: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = (flipped, "--cross-validate", 2, *QUICK[:2], "--epochs", 1, "-o", "out")
    train, trained = fit.train, list[str]()

    def one_fold(dataset: Any, settings: Any, output: Path, *more: Any) -> Any:
        trained.append(output.name)
        if len(trained) == 2:
            raise InterruptedWorkError("interrupted; nothing is saved")
        return train(dataset, settings, output, *more)

    monkeypatch.setattr(fit, "train", one_fold)
    assert run_fer("worst-labels", *command).exit_code == 130
    kept = Path("out.folds/fold-1-of-2.keras").read_bytes()
    assert models.read_metadata(Path("out.folds/fold-1-of-2.keras"))["training"]["epochs"] == 1
    refused = run_fer("worst-labels", *command)
    assert refused.exit_code == 4
    assert "out.folds holds an unfinished run; --resume continues it, --overwrite starts again" in refused.stderr
    assert Path("out.folds/fold-1-of-2.keras").read_bytes() == kept
    assert results(*command, "--resume")["n"] == TRAIN
    assert trained == ["fold-1-of-2.keras", "fold-2-of-2.keras", "fold-2-of-2.keras"]


def test_the_page_saves_decisions_that_make_a_clean_dataset(
    model: Path, flipped: Path, chromium_page: browser.Page, tmp_path: Path
) -> None:
    found = results(model, flipped, "--html", "-o", "out")
    tab = chromium_page.open(Path("out/review.html"))
    tab.wait_for_selector("#strip button")
    assert tab.text_content("#question").startswith(
        f"Given {found['worst'][0]['given']} → {found['worst'][0]['suggested']}?"
    )
    assert tab.text_content("#strip span") == f"{found['worst'][0]['suggested']}?"
    given, suggested = (EMOTIONS.index(found["worst"][2][key]) for key in ("given", "suggested"))
    third = next(index for index in range(7) if index not in (given, suggested))
    # Accept, reject, a third class; one that is taken back and dropped; and one by the mouse.
    for key in ("a", "r", str(third + 1), "a", "ArrowLeft", "u", "d"):
        tab.keyboard.press(key)
    tab.click("text=accept the suggestion")
    assert "5 of 7 decided: 2 accept, 1 correct, 1 reject, 1 drop." in tab.text_content("#status")
    tab.reload()
    tab.wait_for_selector("#strip button")
    with tab.expect_download() as download:
        tab.keyboard.press("s")
    download.value.save_as(tmp_path / "decisions.csv")
    assert download.value.suggested_filename == "decisions.csv"
    rows = read(tmp_path / "decisions.csv")
    assert [row["decision"] for row in rows] == ["accept", "reject", "correct", "drop", "accept"]
    assert [row["source"] for row in rows] == [row["source"] for row in found["worst"][:5]]
    assert rows[2]["label"] == EMOTIONS[third]
    done = run_fer("worst-labels", flipped, "--apply", "decisions.csv", "-o", "cleaned.h5")
    assert done.exit_code == 0, done.stderr
    assert "│ decided: accept  │      2 │" in done.stdout
    assert "4 rows of val were changed" in done.stderr
    left = wrong_rows(Path("cleaned.h5"), "val")
    # Right now are the two accepted; the one corrected to a third class, the rejected and the undecided are wrong.
    assert left == {row["source"] for place, row in enumerate(found["worst"]) if place not in (0, 3, 4)}


def test_names_on_the_page_are_text(flipped: Path, chromium_page: browser.Page, tmp_path: Path) -> None:
    names = ("</script><b>x", "a,b", 'c"d', *EMOTIONS[3:])
    with open_dataset(flipped) as dataset:
        records = next(dataset.records())
    source = ["<i>" + name for name in records.source]
    path = helpers.write_dataset(tmp_path / "odd.h5", replace(records, source=source, attributes={}), names)
    odd = helpers.write_model(tmp_path / "odd.keras", class_names=names)
    results(odd, path, "--html", "-o", "out")
    tab = chromium_page.open(Path("out/review.html"))
    tab.wait_for_selector("#strip button")
    assert tab.query_selector("b:text-is('x')") is None
    for _ in range(7):
        tab.keyboard.press("a")
    with tab.expect_download() as download:
        tab.keyboard.press("s")
    download.value.save_as(tmp_path / "decisions.csv")
    assert run_fer("worst-labels", path, "--apply", "decisions.csv", "-o", "cleaned.h5").exit_code == 0
    with open_dataset(Path("cleaned.h5")) as cleaned:
        assert (cleaned.labels("val") == records.attributes["true_label"][TRAIN:]).all()


@pytest.mark.parametrize(("flag", "rows"), [("--drop-worst", TRAIN + VAL - 5), ("--correct-worst", TRAIN + VAL)])
def test_the_worst_are_dropped_or_corrected_at_once_or_from_an_earlier_ranking(
    flag: str, rows: int, model: Path, flipped: Path
) -> None:
    found = results(model, flipped, flag, 5, "-o", "new.h5")
    assert found["cleaned"]["rows"] == rows
    assert Path("new.suspects/suspects.png").is_file()
    again = results(flipped, "--ranking", "new.suspects/suspects.csv", flag, 5, "-o", "again.h5")
    assert again == {**found["cleaned"], "path": "again.h5"}
    for path in ("new.h5", "again.h5"):
        assert len(wrong_rows(Path(path), "val")) == WRONG_VAL - 5
        with open_dataset(Path(path)) as dataset:
            assert dataset.provenance["command"] == "worst-labels"
            assert len(dataset) == rows


def test_a_ranking_that_excel_saved_is_read(model: Path, flipped: Path) -> None:
    results(model, flipped, "-o", "out")
    Path("excel.csv").write_bytes(codecs.BOM_UTF8 + Path("out/suspects.csv").read_bytes())
    assert results(flipped, "--ranking", "excel.csv", "--drop-worst", 5, "-o", "new.h5")["rows"] == TRAIN + VAL - 5


def test_a_model_that_agrees_with_every_label_has_no_suspects(model: Path, dataset: Path) -> None:
    found = results(model, dataset, "--html", "-o", "out")
    assert (found["suspects"], found["worst"], found["truth"]) == (0, [], None)
    assert found["files"] == ["predictions.csv", "suspects.csv"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["M", "--drop-worst", 1], "--drop-worst: expected -o with a name that ends in .h5 or .hdf5. Received: no -o"),
        (["M", "-o", "x.h5"], "-o x.h5: expected a folder; --apply, --drop-worst and --correct-worst write a dataset"),
        (["M", "--drop-worst", 9, "-o", "x.h5"], "--drop-worst 9: expected at most the 7 rows that are suspected"),
        (
            ["--apply", "d.csv", "--drop-worst", 1, "-o", "x.h5"],
            "expected one of --apply, --drop-worst and --correct-worst. Received: --apply, --drop-worst",
        ),
        (["--ranking", "s.csv", "-o", "x.h5"], "--ranking needs --drop-worst or --correct-worst"),
        (["M", "--apply", "d.csv", "-o", "x.h5"], "--apply: nothing is ranked anew. Received: MODEL"),
        (
            ["--ranking", "s.csv", "--drop-worst", 1, "--method", "margin", "-o", "x.h5"],
            "--ranking: nothing is ranked anew. Received: --method",
        ),
        (["M", "--cross-validate", 3], "--cross-validate trains its own networks, for the rows of train. Received: M"),
        (["--cross-validate", 3, "--split", "val"], "for the rows of train. Received: --split val"),
        (
            ["--cross-validate", 2, "--classes", "foo,bar"],
            "--cross-validate: its networks have the classes of DATASET. Received: --classes",
        ),
        (["--cross-validate", 2, "--alpha", 1], "--alpha does nothing without --teacher or --distill"),
        (["M", "--epochs", 3], "--epochs needs --cross-validate, which trains networks"),
        (["M", "--resume"], "--resume needs --cross-validate, which trains networks"),
    ],
)
def test_wrong_usage(arguments: list[object], message: str, model: Path, flipped: Path) -> None:
    result = run_fer("worst-labels", flipped, *[model if each == "M" else each for each in arguments])
    assert result.exit_code == 2
    assert message in result.stderr
    assert not Path("results").exists()
    assert not Path("x.h5").exists()
