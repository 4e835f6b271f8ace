"""`fer tsne` on a network whose features are known, and its page in a browser."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from fer_cli.records import Records
from tests import helpers
from tests.browser import Page
from tests.helpers import run_fer

OUTPUTS = ["embedding.npz", "neighbours.png", "pairs.csv", "per_class.csv", "result.json", "scatter.png"]
QUICK = ("--perplexity", 5)


@pytest.fixture
def wrong(tmp_path: Path) -> Path:
    """A network that names every planted face rightly, but fear happy."""
    return helpers.write_model(tmp_path / "wrong.keras", wrong=(2,))


@pytest.mark.usefixtures("one_thread")
def test_faces_are_embedded_and_everything_is_written(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("tsne", wrong, dataset, "--layer", "logits", *QUICK, "--no-accel")
    assert result.exit_code == 0, result.stderr
    assert "wrong.keras on planted.h5, val, n = 28" in " ".join(result.stdout.split())
    # Their order is that of the neighbours in the features, not of the model's confusions.
    assert "pairs that mix most" in result.stdout
    folder = tmp_path / "results" / "tsne-wrong-val"
    assert sorted(path.name for path in folder.iterdir()) == OUTPUTS
    record = json.loads((folder / "result.json").read_text())
    results = record["results"]
    assert results["protocol"] == "tsne of 7 features of logits (perplexity 5, scikit-learn)"
    assert results["files"] == [name for name in OUTPUTS if name != "result.json"]
    assert results["model_accuracy"]["accuracy"] == pytest.approx(6 / 7)
    # The network takes fear for happy, but what it says of each class is the same for all of its faces.
    assert (results["pairs"][0]["first"], results["pairs"][0]["second"]) == ("fear", "happy")
    assert results["pairs"][0]["confused_by_model"] == 0.5
    assert results["silhouette"]["features"] > 0.5
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["wrong.keras", "planted.h5"]


def test_the_archive_holds_every_row(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    arguments = ("--limit", 3, "--dims", 3, "--method", "pca", "--save-features", "-o", tmp_path / "out", "-q")
    assert run_fer("tsne", wrong, dataset, *arguments).exit_code == 0
    with np.load(tmp_path / "out" / "embedding.npz") as found:
        assert found["points"].shape == (21, 3)
        assert found["points"].dtype == np.float32
        names = found["class_names"]
        assert (names[found["predictions"][found["labels"] == 2]] == "happy").all()
        assert found["sources"][0] == f"planted:{70 + found['rows'][0]}"
        means = [found["points"][found["labels"] == label].mean(0) for label in range(7)]
        np.testing.assert_allclose(found["centroids"], means, rtol=1e-5)
    with np.load(tmp_path / "out" / "features.npz") as found:
        assert found["features"].shape == (21, helpers.SIDE**2)


def test_the_same_command_twice_gives_the_same(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        arguments = ("--html", "--faces", "--limit", 2, *QUICK, "-o", tmp_path / name, "-q", "--seed", 3)
        assert run_fer("tsne", wrong, dataset, *arguments).exit_code == 0
    first, again = (json.loads((tmp_path / name / "result.json").read_text())["results"] for name in ("a", "b"))
    assert first == again
    for name in ("embedding.npz", "faces.png", "scatter.png"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_json_is_the_object_in_the_file_and_nothing_else(wrong: Path, dataset: Path, tmp_path: Path) -> None:
    result = run_fer("tsne", wrong, dataset, "--method", "pca", "-o", tmp_path / "out", "--json", "--split", "train")
    record = json.loads(result.stdout)
    assert record == json.loads((tmp_path / "out" / "result.json").read_text())
    assert any("was fitted to these rows" in note for note in record["results"]["notes"])


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--dims", "3", "--faces"], 2, "--faces: expected --dims 2, since faces in space would hide each other"),
        (["--dims", "4"], 2, "'4' is not one of '2', '3'"),
        (["--perplexity", "28"], 2, "--perplexity 28: expected less than the number of faces. Received: 28"),
        (["--layer", "embeding"], 2, "unknown layer 'embeding': did you mean 'embedding'?"),
        (["--method", "pca", "--accel"], 2, "--accel: expected --method tsne, the only one that it is for"),
        (["--method", "umap", "--no-accel"], 2, "--no-accel: expected --method tsne, the only one that it is for"),
        (["--method", "pca", "--perplexity", "30"], 2, "--perplexity: expected --method tsne or umap, which look at"),
        (["--method", "pca", "--html-faces", "3"], 2, "--html-faces needs --html, which writes the page"),
        (["--split", "dev"], 2, "'dev' is not one of 'train', 'val', 'test'"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str, model: Path, dataset: Path) -> None:
    result = run_fer("tsne", model, dataset, *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not Path("results").exists()


def test_inputs_that_cannot_be_used(model: Path, dataset: Path, tmp_path: Path) -> None:
    empty = helpers.write_dataset(tmp_path / "no-val.h5", helpers.planted_records((7, 0, 14)))
    other = helpers.write_dataset(tmp_path / "two.h5", helpers.planted_records((0, 14, 0)), tuple("abcdefg"))
    for arguments, message in {
        (tmp_path / "none.keras", dataset): "none.keras: no such model file",
        (model, empty): "the split 'val' is empty; filled are: train, test",
        (model, other): "the classes do not match. Expected: a, b, c, d, e, f, g. Received: angry",
    }.items():
        result = run_fer("tsne", *arguments)
        assert result.exit_code == 3
        assert message in result.stderr
    assert not Path("results").exists()


def test_an_existing_result_is_kept_unless_overwrite(model: Path, dataset: Path, tmp_path: Path) -> None:
    arguments = ("tsne", model, dataset, "--method", "pca", "-o", tmp_path / "out", "-q")
    assert run_fer(*arguments).exit_code == 0
    refused = run_fer(*arguments)
    assert refused.exit_code == 4
    assert "out exists; choose another -o or say --overwrite" in refused.stderr
    assert run_fer(*arguments, "--overwrite").exit_code == 0


class TestPage:
    """The page in a browser: hovering over a point shows its face, its label and what the model says."""

    def written(self, model: Path, path: Path, *arguments: object) -> Path:
        dataset = helpers.write_dataset(path / "planted.h5", hostile())
        out = path / "out"
        result = run_fer("tsne", model, dataset, "--html", "--method", "pca", "-o", out, "-q", *arguments)
        assert result.exit_code == 0, result.stderr
        return out / "map.html"

    @pytest.mark.parametrize("dims", [2, 3])
    def test_hovering_shows_face_label_and_prediction(
        self, wrong: Path, tmp_path: Path, chromium_page: Page, dims: int
    ) -> None:
        path = self.written(wrong, tmp_path, "--dims", dims)
        tab = chromium_page.open(path)
        with np.load(path.parent / "embedding.npz") as archive:
            labels, sources = archive["labels"], archive["sources"]
        images = helpers.planted_faces((np.arange(28) % 7).astype(np.uint8))
        assert not tab.locator("#card").is_visible()
        box = tab.locator("#map").bounding_box()
        for row in (2, 7):
            x, y, _ = tab.evaluate(f"at[{row}]")
            tab.mouse.move(box["x"] + x, box["y"] + y)
            tab.wait_for_selector("#card", state="visible")
            (label, prediction) = ("fear", "happy") if labels[row] == 2 else ("angry", "angry")
            assert tab.inner_text("#said").startswith(f"label {label}, prediction {prediction} (")
            assert tab.inner_text("#source") == sources[row]
            drawn = tab.evaluate("[...face.getContext('2d').getImageData(0, 0, face.width, face.height).data]")
            np.testing.assert_array_equal(np.reshape(drawn, (24, 24, 4))[..., 0], images[row, ..., 0])
        tab.mouse.move(box["x"] + 2, box["y"] + 2)
        tab.wait_for_selector("#card", state="hidden")

    def test_it_can_be_used_by_keyboard_alone(self, wrong: Path, tmp_path: Path, chromium_page: Page) -> None:
        tab = chromium_page.open(self.written(wrong, tmp_path))
        tab.focus("#map")
        tab.keyboard.press("ArrowRight")
        tab.wait_for_selector("#card", state="visible")
        before = tab.evaluate("[chosen, ...at[chosen]]")
        tab.keyboard.press("ArrowRight")
        after = tab.evaluate("[chosen, ...at[chosen]]")
        assert after[0] != before[0]
        assert after[1] > before[1]
        tab.keyboard.press("+")
        tab.wait_for_function("view.scale > 1.2")
        tab.keyboard.press("0")
        tab.wait_for_function("view.scale === 1")
        tab.keyboard.press("Escape")
        tab.wait_for_selector("#card", state="hidden")

    def test_classes_can_be_hidden_and_mistakes_shown_alone(
        self, wrong: Path, tmp_path: Path, chromium_page: Page
    ) -> None:
        tab = chromium_page.open(self.written(wrong, tmp_path))
        count = "[...at.keys()].filter(isShown).length"
        assert tab.evaluate(count) == 28
        tab.get_by_label("angry (4)").uncheck()
        assert tab.evaluate(count) == 24
        tab.get_by_label("mistakes only").check()
        assert tab.evaluate(count) == 4

    def test_names_are_never_markup(self, wrong: Path, tmp_path: Path, chromium_page: Page) -> None:
        path = self.written(wrong, tmp_path)
        assert "<script>alert" not in path.read_text(encoding="utf-8")
        tab = chromium_page.open(path)
        assert tab.evaluate("data.sources[0]") == HOSTILE

    def test_a_large_map_shows_some_faces_and_says_so(self, wrong: Path, tmp_path: Path, chromium_page: Page) -> None:
        tab = chromium_page.open(self.written(wrong, tmp_path, "--html-faces", 9))
        assert tab.evaluate("data.points.length") == 9
        assert "This page shows 9 of them, drawn by chance." in tab.inner_text("main")


HOSTILE = "</script><script>alert('x')</script>"


def hostile() -> Records:
    """28 val rows, of which the first has a name that would be markup."""
    records = helpers.planted_records((0, 28, 0))
    records.source[0] = HOSTILE
    return records
