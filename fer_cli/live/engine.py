"""From frames to faces with expressions: detection, tracking, one call of the model a frame, smoothing."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.faces.crop import view
from fer_cli.faces.detect import Box, Detector, Face, Pixels, Points
from fer_cli.faces.media import Frame
from fer_cli.faces.skip import Skip
from fer_cli.faces.smooth import Average, Majority
from fer_cli.faces.track import Tracked, Tracker, TrackOptions

Probabilities = npt.NDArray[np.float32]
#: Faces uint8 (h, w, 3) of any sizes, at least one -> class probabilities float32 (N, K).
Score = Callable[[Sequence[Pixels]], Probabilities]

#: Frames a second of a source that does not say when a frame was taken.
_USUAL_RATE = 25.0
#: A majority is taken over so many times the span of the average.
_MAJORITY_SPANS = 2.0


@dataclass(frozen=True, eq=False)
class Seen:
    """A face of a frame or picture.

    id: in a video the person's number, from 1; in a picture the face's, the most prominent first. box, confidence,
    eyes, landmarks: see `fer_cli.faces.detect.Face`. probabilities: float32 (K,), averaged over time in a video, and
    label: the index of the expression, by majority over time; both None for a face not scored yet. fresh: whether an
    answer of the model came with this frame.
    """

    id: int
    box: Box
    confidence: float
    eyes: Points | None
    landmarks: Points | None
    probabilities: Probabilities | None
    label: int | None
    fresh: bool


@dataclass(frozen=True)
class EngineOptions:
    """margin, align: how faces are cut out, see `fer_cli.faces.align.square_of`.

    score_every: seconds between two calls of the model for a face, 0 for every frame. smooth: seconds after which a
    frame counts 1/e in a face's probabilities; 0 for none. overlap: let the model work while the next frame is searched
    for faces; its answers, but for the first about a face, come one frame later.
    """

    margin: float = 0.0
    align: bool = True
    score_every: float = 0.0
    smooth: float = 0.4
    overlap: bool = False


class Engine:
    """One video or stream; frames are handed over in order.

    All faces of a frame are scored by one call of `score`, whose time hardly depends on their number.
    """

    def __init__(
        self,
        score: Score,
        detector: Detector,
        options: EngineOptions = EngineOptions(),
        tracking: TrackOptions = TrackOptions(),  # noqa: B008
    ) -> None:
        self._score, self._options = score, options
        self._tracker = _WholeFrames(detector) if isinstance(detector, Skip) else Tracker(detector, tracking)
        self._memory = tracking.memory
        self._people: dict[int, _Person] = {}
        self._worker = ThreadPoolExecutor(1) if options.overlap else None
        self._asked: _Asked | None = None
        self._frames = 0

    def step(self, frame: Frame) -> list[Seen]:
        """The faces in the next frame, by number."""
        seconds = self._frames / _USUAL_RATE if frame.seconds is None else frame.seconds
        self._frames += 1
        tracked = self._tracker.step(frame.image, seconds)
        answered = self._take()
        for each in tracked:
            self._people.setdefault(each.id, _Person(self._options.smooth)).seen = seconds
        due = [each for each in tracked if self._people[each.id].due(seconds, self._options.score_every)]
        if due:
            self._asked = _Asked([each.id for each in due], seconds, self._begin(frame.image, due))
            if self._worker is None or not all(self._people[each.id].known for each in due):
                answered |= self._take()
        # The tracker never gives a number twice, so a long stream would fill the memory with people who left.
        self._people = {i: person for i, person in self._people.items() if seconds - person.seen <= self._memory}
        return [self._people[each.id].seen_as(each, each.id in answered) for each in tracked]

    def _begin(self, image: Pixels, faces: Sequence[Tracked]) -> Callable[[], Probabilities]:
        """Have faces of a picture scored; what gives the answers, when they are there."""
        work = functools.partial(self._answers, image, faces)
        return work if self._worker is None else self._worker.submit(work).result

    def _answers(self, image: Pixels, faces: Sequence[Tracked]) -> Probabilities:
        return self._score([view(image, each.face, self._options.margin, self._options.align) for each in faces])

    def _take(self) -> set[int]:
        """Take in what the model was asked last; the numbers of those whom it was asked about."""
        if self._asked is None:
            return set()
        asked, self._asked = self._asked, None
        for number, row in zip(asked.numbers, asked.answers(), strict=True):
            if number in self._people:
                self._people[number].take(row, asked.seconds)
        return set(asked.numbers)


@dataclass(frozen=True)
class _Asked:
    """Faces that the model has, by the numbers of their persons, and the time of their frame."""

    numbers: list[int]
    seconds: float
    answers: Callable[[], Probabilities]


class _Person:
    """The expression of one person over time."""

    def __init__(self, smooth: float) -> None:
        self.seen = 0.0
        self._scored: float | None = None
        self._probabilities: Probabilities | None = None
        self._label: int | None = None
        self._average, self._majority = Average(smooth), Majority(_MAJORITY_SPANS * smooth)

    @property
    def known(self) -> bool:
        return self._scored is not None

    def due(self, seconds: float, every: float) -> bool:
        return self._scored is None or seconds - self._scored >= every

    def take(self, probabilities: Probabilities, seconds: float) -> None:
        self._scored = seconds
        self._probabilities = self._average.update(probabilities, seconds).astype(np.float32)
        self._label = self._majority.update(int(probabilities.argmax()), seconds)

    def seen_as(self, tracked: Tracked, fresh: bool) -> Seen:
        return seen(tracked.id, tracked.face, self._probabilities, self._label, fresh)


class _WholeFrames:
    """Frames that are faces already need no tracking."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def step(self, image: Pixels, seconds: float) -> list[Tracked]:
        return [Tracked(1, face, True) for face in self._detector.detect(image)]


def seen(number: int, face: Face, probabilities: Probabilities | None, label: int | None, fresh: bool = True) -> Seen:
    """A face with its expression."""
    return Seen(number, face.box, face.confidence, face.eyes, face.landmarks, probabilities, label, fresh)
