"""The loop over frames, with a detector and a model whose answers are planted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fer_cli.errors import InputError
from fer_cli.faces.detect import Face, Pixels
from fer_cli.faces.media import Frame
from fer_cli.faces.skip import Skip
from fer_cli.live.engine import Engine, EngineOptions, Probabilities, Seen

SIDE = 40
PLACES = ((20, 30), (150, 30))


class Bright:
    """Finds the squares of `PLACES` that are brighter than the ground, in pictures of any scale."""

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        scale = image.shape[1] / 220
        boxes = [tuple(edge * scale for edge in (x, y, SIDE, SIDE)) for x, y in PLACES]
        return [
            Face((x, y, w, h), 0.9)
            for x, y, w, h in boxes
            if image[round(y + 2) : round(y + h - 2), round(x + 2) : round(x + w - 2)].mean() > 90
        ]


def scene(*people: int) -> Pixels:
    """uint8 (100, 220, 3): a dark ground with a patterned square, brighter than 90, at the place of each person."""
    image = np.full((100, 220, 3), 20, np.uint8)
    for person in people:
        x, y = PLACES[person]
        image[y : y + SIDE, x : x + SIDE] = np.random.default_rng(person).integers(100, 255, (SIDE, SIDE, 3), np.uint8)
    return image


class Model:
    """Says class 0, unless told otherwise; remembers how many faces each call had."""

    def __init__(self) -> None:
        self.calls: list[int] = []
        self.answer = 0

    def __call__(self, faces: Sequence[Pixels]) -> Probabilities:
        self.calls.append(len(faces))
        row = np.full(3, 0.1, np.float32)
        row[self.answer] = 0.8
        return np.tile(row, (len(faces), 1))


def run(engine: Engine, images: Sequence[Pixels], rate: float = 25.0) -> list[list[Seen]]:
    return [engine.step(Frame(Path("v"), i, i / rate, image)) for i, image in enumerate(images)]


def test_all_faces_of_a_frame_are_scored_in_one_call() -> None:
    model = Model()
    frames = run(Engine(model, Bright()), [scene(0, 1)] * 4)
    assert model.calls == [2] * 4
    assert [[face.id for face in seen] for seen in frames] == [[1, 2]] * 4
    assert all(face.fresh and face.label == 0 for seen in frames for face in seen)
    assert frames[0][0].probabilities == pytest.approx([0.8, 0.1, 0.1])


def test_overlapped_answers_come_a_frame_later_but_the_first_about_a_face() -> None:
    model = Model()
    engine = Engine(model, Bright(), EngineOptions(smooth=0.0, overlap=True))
    [[seen]] = run(engine, [scene(0)])
    assert seen.label == 0
    model.answer = 1
    later = [engine.step(Frame(Path("v"), i, i / 25, scene(0)))[0] for i in (1, 2)]
    assert [face.label for face in later] == [0, 1]
    both = [engine.step(Frame(Path("v"), i, i / 25, scene(0, 1))) for i in range(3, 15)]
    assert {face.label for seen in both for face in seen} == {1}
    assert model.calls[-1] == 2


def test_a_model_that_fails_beside_the_search_ends_the_next_frame() -> None:
    def broken(faces: Sequence[Pixels]) -> Probabilities:
        raise InputError("no probabilities")

    engine = Engine(Model(), Bright(), EngineOptions(overlap=True))
    run(engine, [scene(0)])
    engine._score = broken
    engine.step(Frame(Path("v"), 1, 0.04, scene(0)))
    with pytest.raises(InputError, match="no probabilities"):
        engine.step(Frame(Path("v"), 2, 0.08, scene(0)))


def test_a_frame_without_a_face_asks_nothing() -> None:
    model = Model()
    assert run(Engine(model, Bright()), [scene()] * 3) == [[], [], []]
    assert model.calls == []


def test_faces_are_scored_as_often_as_wanted_and_keep_their_answer_in_between() -> None:
    model = Model()
    frames = run(Engine(model, Bright(), EngineOptions(score_every=0.4)), [scene(0)] * 25)
    assert len(model.calls) == 3
    assert [seen[0].fresh for seen in frames].count(True) == 3
    assert all(seen[0].label == 0 for seen in frames)


def test_one_odd_frame_does_not_change_the_emotion_and_a_lasting_change_does() -> None:
    model = Model()
    engine = Engine(model, Bright(), EngineOptions(smooth=0.2))
    labels = []
    for number in range(40):
        model.answer = 1 if number == 10 or number >= 20 else 0
        (face,) = engine.step(Frame(Path("v"), number, number / 25, scene(0)))
        assert face.probabilities is not None
        assert face.probabilities.sum() == pytest.approx(1, abs=1e-6)
        labels.append(face.label)
    assert labels[:20] == [0] * 20
    assert labels[-10:] == [1] * 10


def test_without_smoothing_each_frame_stands_alone() -> None:
    model = Model()
    engine = Engine(model, Bright(), EngineOptions(smooth=0.0))
    for number in range(6):
        model.answer = number % 3
        (face,) = engine.step(Frame(Path("v"), number, number / 25, scene(0)))
        assert face.label == number % 3
        assert face.probabilities is not None
        assert face.probabilities.argmax() == number % 3


def test_whole_frames_are_one_person_and_are_not_cut() -> None:
    shapes = []

    def score(faces: Sequence[Pixels]) -> Probabilities:
        shapes.append(faces[0].shape)
        return np.array([[1.0, 0.0]], np.float32)

    frames = run(Engine(score, Skip()), [scene(0)] * 3)
    assert shapes == [(100, 220, 3)] * 3
    assert [[face.id for face in seen] for seen in frames] == [[1]] * 3


def test_a_source_without_times_counts_its_frames() -> None:
    model = Model()
    engine = Engine(model, Bright(), EngineOptions(score_every=1.0))
    for _ in range(50):
        engine.step(Frame(Path("v"), None, None, scene(0)))
    assert len(model.calls) == 2
