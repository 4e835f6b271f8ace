"""`fer predict` on planted faces, drawn people and videos of them."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from fer_cli.datasets.facs.draw import draw_face
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.person import sample_person
from fer_cli.datasets.facs.scene import Scene
from fer_cli.labels import EMOTIONS
from fer_cli.main import cli
from tests.faces.clips import write_clip
from tests.faces.drawn import portrait
from tests.faces.moving import actor, draw, video
from tests.helpers import planted_faces, run_fer


def save(path: Path, image: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), image[..., ::-1])
    return path


def planted(folder: Path, labels: list[int]) -> list[Path]:
    faces = planted_faces(np.array(labels, np.uint8), channels=3)
    return [save(folder / f"face{i}.png", face) for i, face in enumerate(faces)]


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A second of one drawn person at 25 frames a second."""
    one = actor(1, lambda t: (40 + 60 * t, 50))
    return write_clip(tmp_path / "clip.mp4", [image for _, image in video([one], 1.0)])


def test_faces_in_pictures_are_named_in_the_order_of_the_sources(model: Path, tmp_path: Path) -> None:
    paths = planted(tmp_path / "in", [3, 0, 6, 3, 5])
    result = run_fer("predict", "in", "--model", model, "--detector", "skip", "--batch-size", "2")
    assert result.exit_code == 0, result.stderr
    found = rows(result.stdout)
    assert [Path(row["file"]).name for row in found] == [path.name for path in paths]
    assert [row["emotion"] for row in found] == [EMOTIONS[label] for label in (3, 0, 6, 3, 5)]
    assert all(row["faces"] == row["face_id"] == "1" for row in found)
    assert sum(float(found[0][f"p_{name}"]) for name in EMOTIONS) == pytest.approx(1, abs=1e-4)
    assert "5 faces in 5 pictures, 0 of them without a face" in result.stderr


def test_a_drawn_face_is_found_and_a_picture_without_one_says_so(model: Path, tmp_path: Path) -> None:
    truth = portrait(1)
    save(tmp_path / "face.png", truth.image)
    save(tmp_path / "none.png", np.full((60, 80, 3), 128, np.uint8))
    result = run_fer("predict", "face.png", "none.png", "--model", model, "--detector", "haar", "-o", "out.jsonl")
    assert result.exit_code == 0, result.stderr
    face, nothing = (json.loads(line) for line in Path("out.jsonl").read_text().splitlines())
    assert face["faces"] == 1
    assert face["emotion"] in EMOTIONS
    assert abs(face["box_x"] + face["box_w"] / 2 - truth.box[0] - truth.box[2] / 2) < 20
    assert (nothing["file"], nothing["faces"], nothing["emotion"], nothing["p_happy"]) == ("none.png", 0, None, None)
    assert "1 face in 2 pictures, 1 of them without a face" in result.stderr
    assert "1 faces" not in result.stdout


def test_people_in_a_video_keep_their_number_and_frames_have_times(model: Path, clip: Path) -> None:
    result = run_fer("predict", clip, "--model", model, "--detector", "haar", "--annotate", "seen")
    assert result.exit_code == 0, result.stderr
    found = rows(result.stdout)
    assert [int(row["frame"]) for row in found] == list(range(25))
    assert [float(row["time_s"]) for row in found] == pytest.approx([i / 25 for i in range(25)], abs=2e-3)
    assert {row["face_id"] for row in found} == {"1"}
    copy = cv2.VideoCapture("seen/clip.mp4")
    assert copy.get(cv2.CAP_PROP_FRAME_COUNT) == 25
    copy.release()


def test_a_video_is_sampled_in_time(model: Path, clip: Path) -> None:
    result = run_fer("predict", clip, "--model", model, "--detector", "haar", "--every", "400ms")
    assert [row["time_s"] for row in rows(result.stdout)] == ["0.0", "0.4", "0.8"]


def test_people_keep_their_number_where_frames_are_far_apart(model: Path, tmp_path: Path) -> None:
    """Further apart than a face that is out of sight is remembered."""
    one = actor(1, lambda t: (60 + 6 * t, 50))
    write_clip(tmp_path / "clip.mp4", [draw([one], float(second)) for second in range(13)], rate=1.0)
    result = run_fer("predict", "clip.mp4", "--model", model, "--detector", "haar", "--every", "4s")
    assert [(row["time_s"], row["face_id"]) for row in rows(result.stdout)] == [
        ("0.0", "1"), ("4.0", "1"), ("8.0", "1"), ("12.0", "1"),
    ]  # fmt: skip


def test_the_layout_openface_tells_where_a_drawn_head_points(model: Path, tmp_path: Path) -> None:
    who = replace(sample_person(np.random.default_rng(1)), glasses="none", beard="none")
    for name, yaw in {"left": -20.0, "right": 20.0}.items():
        face = draw_face(Face(who, scene=Scene(yaw=yaw, scale=0.32, blur=0.006)), 240, "rgb")
        save(tmp_path / f"{name}.png", face)
    result = run_fer("predict", "left.png", "right.png", "--model", model, "--schema", "openface")
    assert result.exit_code == 0, result.stderr
    left, right = ({name: float(row[name]) for name in ("pose_Ry", "gaze_angle_x")} for row in rows(result.stdout))
    # OpenFace counts heads to the picture's left, gazes to its right.
    assert left["pose_Ry"] > 0.15 > -0.15 > right["pose_Ry"]
    assert left["gaze_angle_x"] < right["gaze_angle_x"]


def test_json_without_a_file_holds_the_rows_and_is_alone_on_stdout(model: Path, tmp_path: Path) -> None:
    planted(tmp_path, [2])
    result = run_fer("predict", "face0.png", "--model", model, "--detector", "skip", "--json")
    record = json.loads(result.stdout)
    assert [row["emotion"] for row in record["results"]["rows"]] == ["fear"]
    assert record["results"]["emotions"]["fear"] == record["results"]["faces"] == 1
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.keras", "face0.png"]
    assert record["parameters"]["sources"] == ["face0.png"]


def test_paths_come_from_standard_input(model: Path, tmp_path: Path) -> None:
    planted(tmp_path, [1, 4])
    arguments = ["predict", "-", "--model", str(model), "--detector", "skip"]
    result = CliRunner().invoke(cli, arguments, input="face1.png\nface0.png\n")
    assert [row["emotion"] for row in rows(result.stdout)] == ["sad", "disgust"]
    record = json.loads(CliRunner().invoke(cli, [*arguments, "--json"], input="face1.png\nface0.png\n").stdout)
    assert [Path(entry["path"]).name for entry in record["inputs"]] == ["planted.keras", "face1.png", "face0.png"]


def test_files_that_cannot_be_read_are_told_and_counted(model: Path, tmp_path: Path) -> None:
    planted(tmp_path / "in", [3])
    (tmp_path / "in" / "broken.jpg").write_text("no picture")
    (tmp_path / "in" / "broken.mp4").write_text("no video")
    result = run_fer("predict", "in", "gone.png", "--model", model, "--detector", "skip", "--json")
    assert result.exit_code == 0
    record = json.loads(result.stdout)
    assert [Path(each["file"]).name for each in record["results"]["unreadable"]] == [
        "broken.jpg", "broken.mp4", "gone.png",
    ]  # fmt: skip
    assert "warning: in/broken.jpg: not a readable image (10 bytes)" in result.stderr
    assert "warning: gone.png: No such file or directory" in result.stderr
    assert "files not read: 3" in result.stderr


def test_only_when_all_files_fail_the_command_does(model: Path, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_text("no picture")
    result = run_fer("predict", "broken.jpg", "gone.png", "--model", model, "--detector", "skip", "-o", "out.csv")
    assert result.exit_code == 3
    assert "fer: none of the 2 files can be read: broken.jpg: not a readable image (10 bytes)" in result.stderr
    assert not Path("out.csv").exists()


def test_a_video_that_breaks_off_gives_what_it_has(model: Path, tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 255, (60, 24, 24, 3), np.uint8)
    path = write_clip(tmp_path / "clip.avi", list(images))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    result = run_fer("predict", path, "--model", model, "--detector", "skip", "--json")
    assert result.exit_code == 0, result.stderr
    record = json.loads(result.stdout)["results"]
    assert 10 < record["frames"] < 50
    assert record["unreadable"] == []
    assert "breaks off after frame" in record["read_in_part"][0]["error"]


def test_annotated_copies_keep_the_folders_and_the_faces_are_drawn_in(model: Path, tmp_path: Path) -> None:
    image = portrait(1).image
    save(tmp_path / "in" / "a" / "x.png", image)
    save(tmp_path / "in" / "b" / "x.png", np.full((60, 80, 3), 128, np.uint8))
    result = run_fer("predict", "in", "--model", model, "--detector", "haar", "--annotate", "seen", "-q", "-o", "o.csv")
    assert result.exit_code == 0, result.stderr
    drawn = cv2.imread("seen/a/x.png")[..., ::-1]
    assert drawn.shape == image.shape
    (row,) = (row for row in rows(Path("o.csv").read_text()) if row["faces"] == "1")
    x, y, height = (round(float(row[name])) for name in ("box_x", "box_y", "box_h"))
    edge = slice(y + 5, y + height - 5), x
    assert (np.abs(drawn[edge].astype(int) - image[edge]).sum(-1) > 40).mean() > 0.9
    assert np.array_equal(cv2.imread("seen/b/x.png"), cv2.imread("in/b/x.png"))


def test_annotated_copies_never_replace_a_source(model: Path, tmp_path: Path) -> None:
    (path,) = planted(tmp_path / "in", [3])
    before = path.read_bytes()
    arguments = ("predict", "in", "--model", model, "--detector", "skip", "--annotate", "in")
    assert run_fer(*arguments).exit_code == 4
    result = run_fer(*arguments, "--overwrite")
    assert result.exit_code == 2
    assert "annotated copies would replace" in result.stderr
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--detector-model", "x.onnx"], "--detector-model goes with --detector yunet. Received: --detector mtcnn"),
        (["--every", "soon"], "expected a time above 0 such as 1s, 0.5s, 500ms or 1m. Received: soon"),
        (["--every", "0"], "expected a time above 0"),
        (["other.keras"], "other.keras: expected a picture or a video; a model is named by --model"),
    ],
)
def test_wrong_usage_is_told(model: Path, arguments: list[str], message: str) -> None:
    result = run_fer("predict", "x.png", "--model", model, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_an_output_is_not_replaced_unasked(model: Path, tmp_path: Path) -> None:
    planted(tmp_path, [2])
    Path("out.csv").write_text("mine")
    arguments = ("predict", "face0.png", "--model", model, "--detector", "skip", "-o", "out.csv")
    result = run_fer(*arguments)
    assert result.exit_code == 4
    assert "out.csv exists; choose another -o or say --overwrite" in result.stderr
    assert run_fer(*arguments, "--overwrite").exit_code == 0
    assert Path("out.csv").read_text().startswith("file,frame")


def test_a_missing_yunet_file_is_something_that_is_not_here(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FER_YUNET", raising=False)
    result = run_fer("predict", "x.png", "--model", model, "--detector", "yunet")
    assert result.exit_code == 5
    assert "the detector yunet needs a model file" in result.stderr
