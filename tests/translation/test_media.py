"""Faces in pictures and videos, on a detector that knows where they are."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_cli.analysis.translation.base import class_targets
from fer_cli.errors import InputError
from fer_cli.faces.detect import Face, Pixels
from fer_cli.faces.media import frames, read_picture
from fer_cli.labels import EMOTIONS
from fer_cli.translation.media import MediaTranslator, examples, rows, summary, translate_files
from tests import helpers
from tests.translation.planted import PlantedTranslator

#: Left and top of the face in the picture; it is four times as large as the translator's.
LEFT, TOP, SIDE = 30, 20, 4 * helpers.SIDE


class Knows:
    """Finds the planted face where the picture is bright at its upper left corner."""

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        return [Face((LEFT, TOP, SIDE, SIDE), 1.0)] if image[0, 0].min() > 200 else []


def scene(label: int, with_face: bool = True) -> Pixels:
    picture = np.full((160, 200, 3), 120, np.uint8)
    picture[:4, :4] = 255 if with_face else 0
    face = helpers.planted_faces(np.array([label], np.uint8))[0].repeat(4, 0).repeat(4, 1).repeat(3, 2)
    picture[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = face
    return picture


def named(faces: Pixels) -> np.ndarray:
    """What a judge says who looks for the brightest block."""
    means = [[face[helpers.place(label)].mean() for label in range(len(EMOTIONS))] for face in faces]
    return np.eye(len(EMOTIONS), dtype=np.float32)[np.argmax(means, 1)]


@pytest.fixture
def translator() -> MediaTranslator:
    targets = class_targets(EMOTIONS, ["happy", "fear"])
    return MediaTranslator(PlantedTranslator(), targets, 1.0, Knows(), judge=named)


def write(path: Path, picture: Pixels) -> Path:
    cv2.imwrite(str(path), picture[..., ::-1])
    return path


def test_the_faces_of_a_picture_are_translated_where_they_are(translator: MediaTranslator, tmp_path: Path) -> None:
    picture = scene(0)
    path = write(tmp_path / "one.png", picture)
    seen = translator.translate(path, tmp_path, "one")
    assert [(one.file, one.frame, one.face) for one in seen] == [(str(path), None, 0)]
    after = read_picture(tmp_path / "one-fear.png")
    block = after[TOP + 4 : TOP + 20, LEFT + 52 : LEFT + 68]
    assert np.abs(block.astype(int) - picture[TOP + 4 : TOP + 20, LEFT + 52 : LEFT + 68]).mean() > 50
    outside = np.ones(picture.shape[:2], bool)
    outside[TOP : TOP + SIDE, LEFT : LEFT + SIDE] = False
    assert np.array_equal(after[outside], picture[outside])
    assert (tmp_path / "one-happy.png").exists()


def test_what_the_judge_says_is_told_by_face_and_by_file(translator: MediaTranslator, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    # Of one name: neither may be taken for the other.
    paths = [write(tmp_path / "a" / "same.png", scene(0)), write(tmp_path / "b" / "same.png", scene(3))]
    a, b = map(str, paths)
    seen, without = translate_files(paths, translator, tmp_path, lambda frames: None)
    assert without == []
    table = rows(seen, translator.targets, EMOTIONS)
    assert [(row["file"], row["target"], row["before"], row["after"], row["hit"]) for row in table] == [
        (a, "happy", "angry", "happy", 1),
        (a, "fear", "angry", "fear", 1),
        (b, "happy", "happy", "happy", 1),
        (b, "fear", "happy", "fear", 1),
    ]
    assert [(row["file"], row["hit_rate"], row["before"]) for row in summary(seen, translator.targets)] == [
        (a, 1, 0), (a, 1, 0), (b, 1, 1), (b, 1, 0)
    ]  # fmt: skip
    assert [one.file for one in examples(seen)] == [a, b]


def test_a_picture_without_a_face_is_not_written(translator: MediaTranslator, tmp_path: Path) -> None:
    path = write(tmp_path / "none.png", scene(0, with_face=False))
    seen, without = translate_files([path], translator, tmp_path / "out", lambda frames: None)
    assert (seen, without) == ([], [path])


def test_two_files_of_one_name_do_not_overwrite_each_other(translator: MediaTranslator, tmp_path: Path) -> None:
    paths = []
    # The last one has the name that the second one would be given.
    for folder, name in (("a", "same"), ("b", "same"), ("b", "same-2")):
        (tmp_path / folder).mkdir(exist_ok=True)
        paths.append(write(tmp_path / folder / f"{name}.png", scene(1)))
    translate_files(paths, translator, tmp_path, lambda frames: None)
    for name in ("same", "same-2", "same-3"):
        assert (tmp_path / f"{name}-fear.png").exists()


def test_a_video_keeps_its_length_and_the_frames_without_a_face(translator: MediaTranslator, tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 10.0, (200, 160))
    for number in range(6):
        writer.write(scene(0, with_face=number >= 2)[..., ::-1])
    writer.release()
    counted = []
    seen = translator.translate(path, tmp_path, "clip", counted.append)
    assert [one.frame for one in seen] == [2, 3, 4, 5]
    assert counted == [1] * 6
    made = list(frames(tmp_path / "clip-happy.mp4"))
    assert len(made) == 6
    before = list(frames(path))
    change = [np.abs(a.image.astype(int) - b.image).mean() for a, b in zip(made, before, strict=True)]
    # The codec loses something, too.
    assert min(change[2:]) > 1.5 * max(change[:2])


def test_a_file_that_is_no_picture(translator: MediaTranslator, tmp_path: Path) -> None:
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(InputError, match=r"text\.png: not a readable image"):
        translator.translate(tmp_path / "text.png", tmp_path, "text")
