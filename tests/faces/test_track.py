"""Tracking of drawn people whose way is known, through the detector haar."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from fer_cli.faces.assign import Place, assign, covered, overlap
from fer_cli.faces.detect import Box, Face, Pixels
from fer_cli.faces.haar import Haar
from fer_cli.faces.track import Tracked, Tracker, TrackOptions
from tests.faces.moving import RATE, Actor, actor, video

HAAR = Haar()


class Counting:
    """Haar that counts its pictures, and the pixels of them."""

    def __init__(self) -> None:
        self.pictures, self.pixels = 0, 0

    def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
        self.pictures += 1
        self.pixels += image.shape[0] * image.shape[1]
        return HAAR.detect(image, smallest)


def follow(actors: Sequence[Actor], duration: float, options: TrackOptions | None = None) -> list[list[Tracked]]:
    tracker = Tracker(HAAR, options or TrackOptions())
    return [tracker.step(image, seconds) for seconds, image in video(actors, duration)]


def number(found: Sequence[Tracked], box: Box | None) -> int | None:
    """The number of the face at a box."""
    return next((each.id for each in found if box is not None and overlap(each.face.box, box) > 0.4), None)


def test_a_face_that_moves_keeps_its_number_and_is_seen_in_every_frame() -> None:
    one = actor(1, lambda t: (20 + 90 * t, 50 + 10 * np.sin(4 * t)))
    frames = follow([one], 2.0)
    assert [number(found, one.box(i / RATE)) for i, found in enumerate(frames)] == [1] * len(frames)
    assert {each.detected for found in frames for each in found} == {True, False}
    errors = [found[0].face.box[0] - one.box(i / RATE)[0] for i, found in enumerate(frames)]  # type: ignore[index]
    # The detector's box is wider than the drawn head, always by as much.
    assert np.ptp(errors) < 8


def test_two_people_who_cross_keep_their_numbers() -> None:
    left, right = actor(0, lambda t: (5 + 110 * t, 50)), actor(1, lambda t: (270 - 110 * t, 60))
    frames = follow([left, right], 2.4)
    first, last = frames[3], frames[-1]
    assert {number(first, left.box(3 / RATE)), number(first, right.box(3 / RATE))} == {1, 2}
    end = (len(frames) - 1) / RATE
    for one in (left, right):
        assert number(last, one.box(end)) == number(first, one.box(3 / RATE))
    # Whoever is in front is seen all the time.
    assert all(number(found, right.box(i / RATE)) is not None for i, found in enumerate(frames))


def test_people_who_go_away_for_a_second_are_known_again() -> None:
    first = actor(2, lambda t: None if 0.6 < t < 1.6 else (30, 50))
    second = actor(3, lambda t: None if 0.8 < t < 1.8 else (230, 60))
    frames = follow([first, second], 2.4)
    numbers = [number(frames[i], one.box(i / RATE)) for i in (5, len(frames) - 1) for one in (first, second)]
    assert numbers[:2] == numbers[2:]
    assert sorted(numbers[:2]) == [1, 2]
    assert frames[round(1.2 * RATE)] == []


def test_who_stays_away_for_long_is_somebody_new() -> None:
    one = actor(2, lambda t: None if 0.4 < t < 1.4 else (30, 50))
    frames = follow([one], 2.0, TrackOptions(memory=0.5))
    assert {each.id for each in frames[5]} == {1}
    assert {each.id for each in frames[-1]} == {2}


def test_another_person_in_the_same_place_gets_another_number() -> None:
    first = actor(3, lambda t: (150, 50) if t < 1 else None)
    second = actor(5, lambda t: None if t < 1 else (150, 50))
    frames = follow([first, second], 1.6)
    assert {each.id for each in frames[10]} == {1}
    assert {each.id for each in frames[-1]} == {2}


def test_the_detector_works_in_one_frame_out_of_several() -> None:
    detector = Counting()
    tracker = Tracker(detector, TrackOptions(every=10))
    for seconds, image in video([actor(1, lambda t: (140 + 20 * t, 50))], 2.0):
        tracker.step(image, seconds)
    # Of 50 frames two are searched whole, and the others of every ten where the face is.
    assert detector.pictures <= 8
    assert detector.pixels < 50 * 384 * 216 / 5


def test_frames_far_apart_are_each_searched() -> None:
    detector = Counting()
    tracker = Tracker(detector)
    one = actor(1, lambda t: (140 + 5 * t, 50))
    frames = list(video([one], 0.2))
    found = [tracker.step(image, float(second)) for second, (_, image) in enumerate(frames)]
    assert detector.pictures == len(frames)
    assert [[each.id for each in each_frame] for each_frame in found] == [[1]] * len(frames)


def test_something_doubtful_must_be_found_again() -> None:
    class Once:
        calls = 0

        def detect(self, image: Pixels, smallest: float = 0.0) -> list[Face]:
            self.calls += 1
            return [Face((10.0, 10.0, 20.0, 20.0), 0.4)] if self.calls == 1 else []

    tracker = Tracker(Once())
    frames = [tracker.step(image, seconds) for seconds, image in video([], 0.4)]
    assert frames == [[]] * len(frames)


@pytest.mark.parametrize(
    ("box", "shared", "part"),
    [
        ((0.0, 0.0, 10.0, 10.0), 1.0, 1.0),
        ((5.0, 0.0, 10.0, 10.0), 1 / 3, 0.5),
        ((2.0, 2.0, 5.0, 5.0), 0.25, 1.0),
        ((10.0, 0.0, 10.0, 10.0), 0.0, 0.0),
    ],
)
def test_overlaps_of_boxes(box: Box, shared: float, part: float) -> None:
    assert overlap((0.0, 0.0, 10.0, 10.0), box) == pytest.approx(shared)
    assert covered((0.0, 0.0, 10.0, 10.0), box) == pytest.approx(part)


def test_places_are_assigned_by_least_total_cost_and_never_across_the_picture() -> None:
    expected = [Place((0.0, 0.0, 10.0, 10.0), None), Place((4.0, 0.0, 10.0, 10.0), None)]
    assert assign(expected, []) == []
    assert assign([], expected) == []
    # Without a look nothing is alike, and nothing is assigned.
    assert assign(expected, [Place((0.0, 0.0, 10.0, 10.0), None)]) == []
