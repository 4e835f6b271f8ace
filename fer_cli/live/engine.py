"""From frames to faces with expressions: detection, tracking, one call of the model a frame, smoothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
    label: the index of the expression, by majority over time; both None for a face not scored yet. fresh: whether this
    very frame was scored.
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
    frame counts 1/e in a face's probabilities; 0 for none.
    """

    margin: float = 0.0
    align: bool = True
    score_every: float = 0.0
    smooth: float = 0.4


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
        self._frames = 0

    def step(self, frame: Frame) -> list[Seen]:
        """The faces in the next frame, by number."""
        seconds = self._frames / _USUAL_RATE if frame.seconds is None else frame.seconds
        self._frames += 1
        tracked = self._tracker.step(frame.image, seconds)
        for each in tracked:
            self._people.setdefault(each.id, _Person(self._options.smooth)).seen = seconds
        due = [each for each in tracked if self._people[each.id].due(seconds, self._options.score_every)]
        if due:
            views = [view(frame.image, each.face, self._options.margin, self._options.align) for each in due]
            for each, row in zip(due, self._score(views), strict=True):
                self._people[each.id].take(row, seconds)
        # The tracker never gives a number twice, so a long stream would fill the memory with people who left.
        self._people = {i: person for i, person in self._people.items() if seconds - person.seen <= self._memory}
        return [self._people[each.id].seen_as(each, seconds) for each in tracked]


class _Person:
    """The expression of one person over time."""

    def __init__(self, smooth: float) -> None:
        self.seen = 0.0
        self._scored: float | None = None
        self._probabilities: Probabilities | None = None
        self._label: int | None = None
        self._average, self._majority = Average(smooth), Majority(_MAJORITY_SPANS * smooth)

    def due(self, seconds: float, every: float) -> bool:
        return self._scored is None or seconds - self._scored >= every

    def take(self, probabilities: Probabilities, seconds: float) -> None:
        self._scored = seconds
        self._probabilities = self._average.update(probabilities, seconds).astype(np.float32)
        self._label = self._majority.update(int(probabilities.argmax()), seconds)

    def seen_as(self, tracked: Tracked, seconds: float) -> Seen:
        fresh = self._scored == seconds
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
