"""`fer transfer apply` with a generator whose doings are known."""

from __future__ import annotations

import csv
import functools
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_cli.labels import EMOTIONS
from fer_cli.store.reader import open_dataset
from fer_cli.transform.illuminate import step
from tests import helpers
from tests.helpers import run_fer
from tests.translation.planted import write_generator

OUTPUTS = {
    "hit_rates.png", "hits.csv", "result.json", "translated.h5", "translated_faces.png", "translations.csv",
}  # fmt: skip


@pytest.fixture
def generator(tmp_path: Path) -> Path:
    return write_generator(tmp_path / "generator.keras")


def write_picture(path: Path, label: int) -> Path:
    face = helpers.planted_faces(np.array([label], np.uint8))[0]
    cv2.imwrite(str(path), face.repeat(4, 0).repeat(4, 1))
    return path


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_all_emotions_of_a_dataset_are_made_and_judged(generator: Path, model: Path, dataset: Path) -> None:
    result = run_fer(
        "transfer", "apply", generator, dataset, "--all", "--judge", model, "--identity", "hog", "-o", "out", "--json"
    )
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)
    assert record == json.loads(Path("out/result.json").read_text())
    assert record["command"] == "transfer apply"
    verdict = record["results"]["verdict"]
    assert (verdict["hit_rate"], verdict["n"], verdict["translations"]) == (1, 28, 168)
    assert {one["hit_rate"] for one in verdict["hits"]} == {1}
    assert {path.name for path in Path("out").iterdir()} == OUTPUTS
    assert set(record["results"]["files"]) == OUTPUTS - {"result.json"}
    assert "judged by planted.keras" in result.stderr
    assert record["results"]["warnings"] == []
    rows = read(Path("out/translations.csv"))
    assert len(rows) == 28 * 7
    assert {(row["target"], row["after"]) for row in rows} == {(name, name) for name in EMOTIONS}


def test_the_translations_are_a_dataset(generator: Path, model: Path, dataset: Path) -> None:
    assert run_fer("transfer", "apply", generator, dataset, "--all", "-o", "out", "-q").exit_code == 0
    with open_dataset(Path("out/translated.h5")) as made:
        assert (len(made), made.count("val"), made.class_names) == (196, 196, EMOTIONS)
        assert made.sources("val")[0] == "planted:70→angry"
        assert made.subjects("val") is not None
        assert made.attribute_values("original") == EMOTIONS
        assert made.transforms[-1]["name"] == "transfer"
    scored = run_fer("eval", model, "out/translated.h5", "--json")
    assert json.loads(scored.stdout)["results"]["accuracy"] == 1


def test_without_a_judge_nothing_is_said_of_hits(generator: Path, dataset: Path) -> None:
    result = run_fer("transfer", "apply", generator, dataset, "--to", "happy", "--limit", 1, "-o", "out", "--json")
    results = json.loads(result.stdout)["results"]
    assert (results["verdict"], results["n"]) == (None, 7)
    assert {path.name for path in Path("out").iterdir()} == {"result.json", "translated.h5", "translated_faces.png"}


def test_a_judge_that_is_the_model_optimised_is_no_judge(model: Path, dataset: Path) -> None:
    result = run_fer(
        "transfer", "apply", dataset, "--method", "optimize", "--model", model, "--to", "fear", "--limit", 1,
        "--judge", model, "--identity", "none", "-o", "out", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    assert "warning: " in result.stderr
    results = json.loads(result.stdout)["results"]
    assert any("is the classifier that is optimised, so it is no independent judge" in w for w in results["warnings"])
    assert results["verdict"]["identity"] is None
    assert results["notes"] == [f"optimised by the evidence of {model} and by mean features of {dataset}"]
    assert results["generator"] == "optimize"


def test_a_judge_of_pictures_that_is_the_model_optimised_is_no_judge_either(model: Path) -> None:
    picture = write_picture(Path("one.png"), 0)
    asked = ("--to", "fear", "--method", "optimize", "--model", model, "--judge", model, "--detector", "skip")
    result = run_fer("transfer", "apply", picture, *asked, "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    warnings = json.loads(result.stdout)["results"]["warnings"]
    assert warnings == [f"{model} is the classifier that is optimised, so it is no independent judge"]


def test_a_generator_that_learnt_in_another_light_says_so(dataset: Path, tmp_path: Path) -> None:
    generator = write_generator(tmp_path / "lit.keras", transforms=[step("clahe")])
    light = "whose illumination was corrected by clahe; that of these faces was not corrected"
    message = f"{generator} learnt from faces {light}"
    picture = write_picture(Path("one.png"), 0)
    for number, source in enumerate((dataset, picture)):
        asked = ("--to", "sad", "--limit", 1, "--detector", "skip", "-o", f"out{number}", "--json")
        result = run_fer("transfer", "apply", generator, source, *asked)
        assert result.exit_code == 0, result.stderr
        assert json.loads(result.stdout)["results"]["warnings"] == [message]
        assert message in " ".join(result.stderr.split())


def test_an_emotion_that_is_named_twice_is_given_once(generator: Path, dataset: Path) -> None:
    asked = ("--to", "happy", "--to", "joy", "--limit", 1, "-o", "out", "--json")
    result = run_fer("transfer", "apply", generator, dataset, *asked)
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["results"]["targets"] == [{"name": "happy", "label": "happy"}]


def test_pictures_are_translated_and_judged(generator: Path, model: Path) -> None:
    pictures = [write_picture(Path("one.png"), 0), write_picture(Path("two.png"), 3)]
    result = run_fer(
        "transfer", "apply", generator, *pictures, "--to", "fear", "--to", "sad", "--detector", "skip",
        "--judge", model, "-o", "out", "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    assert results["faces"] == 2
    assert [(row["file"], row["target"], row["hit_rate"]) for row in results["pictures"]] == [
        ("one.png", "fear", 1), ("one.png", "sad", 1), ("two.png", "fear", 1), ("two.png", "sad", 1)
    ]  # fmt: skip
    names = {"one-fear.png", "one-sad.png", "two-fear.png", "two-sad.png", "faces.csv", "translated_faces.png"}
    assert set(results["files"]) == names
    assert [row["before"] for row in read(Path("out/faces.csv"))] == ["angry", "angry", "happy", "happy"]


def test_the_expression_of_another_face(generator: Path, model: Path, dataset: Path) -> None:
    other = write_picture(Path("other.png"), 5)
    arguments = ["--like", other, "--model", model, "--detector", "skip", "--judge", model, "--identity", "none"]
    result = run_fer("transfer", "apply", generator, dataset, *arguments, "-o", "out", "--json")
    assert result.exit_code == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    assert results["targets"] == [{"name": "other", "label": "surprise"}]
    assert results["verdict"]["hit_rate"] == 1


def test_identity_is_learnt_from_the_persons_of_train(
    generator: Path, model: Path, dataset: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fer_cli.translation import identity

    small = functools.partial(identity.Settings, architecture="pattern:CPF", epochs=1, batch_size=14)
    monkeypatch.setattr(identity, "Settings", small)
    arguments = ["transfer", "apply", generator, dataset, "--to", "sad", "--judge", model, "--json"]
    result = run_fer(*arguments, "-o", "out")
    assert result.exit_code == 0, result.stderr
    assert "learning to tell 10 persons of the train rows apart" in result.stderr
    record = json.loads(result.stdout)
    learnt = record["results"]["verdict"]["identity"]
    assert record["parameters"]["identity"] == "learn"
    assert "identity.keras" in record["results"]["files"]
    again = run_fer(*arguments, "--identity", "out/identity.keras", "-o", "again")
    assert json.loads(again.stdout)["results"]["verdict"]["identity"] == learnt


def test_a_redrawing_is_what_a_perfect_generator_would_score(generator: Path, model: Path) -> None:
    assert run_fer("prepare", "synthetic", "--count", 147, "--size", 24, "-o", "drawn.h5", "-q").exit_code == 0
    asked = ("--all", "--method", "redraw", "--judge", model, "--identity", "hog", "--json")
    result = run_fer("transfer", "apply", "drawn.h5", *asked, "-o", "out")
    assert result.exit_code == 0, result.stderr
    results = json.loads(result.stdout)["results"]
    assert results["generator"] == "redraw"
    assert results["notes"] == ["drawn anew with the wanted emotion: what a perfect generator would score"]
    assert results["verdict"]["ssim_outside"] > 0.9
    with open_dataset(Path("drawn.h5")) as drawn, open_dataset(Path("out/translated.h5")) as made:
        before, after = drawn.images("val").take(np.arange(drawn.count("val"))), made.images("val")
        # All faces to one emotion, then to the next. Neutral faces move no unit, and come back as they were.
        neutral, own = EMOTIONS.index("neutral"), drawn.labels("val")
        again = after.take(np.arange(len(before)) + neutral * len(before))
        same = (again == before).all((1, 2, 3))
    np.testing.assert_array_equal(same, own == neutral)

    unchanged = run_fer("transfer", "apply", "drawn.h5", *asked, "--strength", "0", "-o", "none")
    assert json.loads(unchanged.stdout)["results"]["verdict"]["ssim"] == 1
    named = run_fer("transfer", "apply", generator, "drawn.h5", *asked)
    assert named.exit_code == 2
    assert "expected no GENERATOR, which --method redraw does not use" in named.stderr


def test_only_drawn_faces_can_be_drawn_anew(dataset: Path) -> None:
    photos = run_fer("transfer", "apply", dataset, "--all", "--method", "redraw")
    assert photos.exit_code == 3
    assert "its faces were not drawn by fer prepare synthetic" in photos.stderr
    picture = run_fer("transfer", "apply", write_picture(Path("one.png"), 0), "--all", "--method", "redraw")
    assert picture.exit_code == 2
    assert "--method redraw needs a dataset of fer prepare synthetic as SOURCE" in picture.stderr
    guided = run_fer("transfer", "apply", dataset, "--all", "--method", "redraw", "--reference", dataset)
    assert guided.exit_code == 2
    assert "--reference guides optimize" in guided.stderr


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ([], 2, "expected one of --to CLASS, --like PICTURE and --all"),
        (["--all", "--to", "sad"], 2, "expected one of --to CLASS, --like PICTURE and --all"),
        (["--to", "hapy"], 2, "--to: unknown class 'hapy': did you mean 'happy'"),
        (
            ["--all", "--method", "optimize"],
            2,
            "expected no GENERATOR, which --method optimize does not use. Received: 1",
        ),
        (["--like", "x.png"], 2, "--like and --method optimize need a classifier: name it with --model"),
        (["--all", "picture.png"], 2, "expected one dataset, or pictures and videos, as SOURCE"),
        (["--all", "--split", "train", "--judge", "none.keras"], 3, "none.keras: no such model file"),
        (["--all", "--strength", "2"], 2, "2.0 is not in the range 0<=x<=1.5"),
        (["--all", "--reference", "none.h5"], 2, "--reference guides optimize; --method generator takes nothing"),
        (["--all", "--model", "none.keras"], 2, "--model says what --like or --method optimize goes by"),
        (["--all", "--identity", "hog"], 2, "--identity is how the judge tells the persons of a dataset apart"),
    ],
)
def test_wrong_usage(arguments: list[str], status: int, message: str, generator: Path, dataset: Path) -> None:
    result = run_fer("transfer", "apply", generator, dataset, *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not Path("results").exists()


def test_what_cannot_be_used(generator: Path, model: Path, dataset: Path) -> None:
    picture = write_picture(Path("dark.png"), 0)
    nobody = run_fer("transfer", "apply", generator, picture, "--all", "--detector", "haar")
    assert nobody.exit_code == 3
    assert "dark.png: haar found no face" in nobody.stderr
    classifier = run_fer("transfer", "apply", model, dataset, "--all")
    assert classifier.exit_code == 3
    assert "planted.keras: expected a generator of fer transfer fit" in classifier.stderr
    unguided = ("--method", "optimize", "--model", model, "--reference", "none.h5")
    reference = run_fer("transfer", "apply", dataset, "--all", *unguided)
    assert reference.exit_code == 3
    assert "none.h5: no such file" in reference.stderr
    missing = run_fer("transfer", "apply", generator, "gone.png", "--all", "--detector", "skip")
    assert missing.exit_code == 3
    assert "gone.png: No such file or directory" in missing.stderr
    assert list(Path("results").glob("*")) == []


def test_an_existing_result_is_kept_unless_overwrite(generator: Path, dataset: Path) -> None:
    arguments = ["transfer", "apply", generator, dataset, "--to", "sad", "--limit", 1, "-o", "out", "-q"]
    assert run_fer(*arguments).exit_code == 0
    refused = run_fer(*arguments)
    assert refused.exit_code == 4
    assert "out exists; choose another -o or say --overwrite" in refused.stderr
    assert run_fer(*arguments, "--overwrite").exit_code == 0
