"""The faces of a video, each under one number for as long as it is the same person.

Faces are looked for in one frame out of several and followed in between (`follow`); what is found is told apart by
place, motion and appearance (`assign`). A face that nobody sees keeps its number for a while and is expected where its
motion takes it, so two people may cross, and one may look away.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.faces.appearance import Appearance, appearance, resemblance
from fer_cli.faces.assign import Place, assign, covered, overlap
from fer_cli.faces.detect import Detector, Face, Pixels, Points
from fer_cli.faces.follow import Follower, Motion
from fer_cli.faces.search import distinct, find_all, find_near

#: Frames further apart than this, in seconds, tell nothing of how a face moved from one to the other.
_LONGEST_STEP = 0.25
#: A face followed whose grey levels correlate less than this with those of the face once detected is doubtful.
_SAME = 0.5
#: Boxes of which one has this part in common with the other hide each other: neither the flow of their pixels nor
#: their look is one face's.
_HIDING = 0.25
#: A detection this much like the face as it was known says what the face looks like now; any does after some seconds.
_ALIKE, _NEW_LOOK = 0.8, 1.0
#: So many detections prove a face.
_PROOF = 3
#: What a detection counts against what the flow expects: detectors are noisy, flow drifts.
_GAIN = 0.5
#: A detection that shares less than this with what the flow expects is believed alone.
_NEAR = 0.5
#: Seconds in which an old velocity loses all but 1/e of its weight.
_INERTIA = 0.2


@dataclass(frozen=True)
class TrackOptions:
    """When to look for faces, and when to believe in one.

    every: frames after which each face is looked for again where it is, while all are followed well. scan: times of
    that from one search of the whole frame, for new faces, to the next. idle: frames between such searches while
    somebody is missing. min_face: the smallest face looked for, a part of the frame's shorter side. confidence: what a
    face needs to be new, and sure: to be believed at once, rather than when it was found three times. patience: seconds
    for which a face is followed that the detector no longer finds. memory: seconds for which one out of sight is known
    again.
    """

    every: int = 10
    scan: int = 4
    idle: int = 3
    min_face: float = 0.125
    confidence: float = 0.3
    sure: float = 0.5
    patience: float = 1.0
    memory: float = 3.0


@dataclass(frozen=True, eq=False)
class Tracked:
    """A face of a frame. id: its number, from 1. detected: found in this very frame, rather than followed."""

    id: int
    face: Face
    detected: bool


class Tracker:
    """One video's faces; frames are handed over in order."""

    def __init__(self, detector: Detector, options: TrackOptions = TrackOptions()) -> None:
        self._detector, self._options = detector, options
        self._follower = Follower()
        self._tracks: list[_Track] = []
        self._count, self._seconds = 0, 0.0
        #: Frames since faces were looked for, and since they were looked for in the whole frame.
        self._looked = self._scanned = math.inf

    def step(self, image: Pixels, seconds: float) -> list[Tracked]:
        """The faces in the next frame, uint8 (H, W, 3), RGB, at a time that does not run backwards; by number."""
        elapsed, self._seconds = max(0.0, seconds - self._seconds), seconds
        self._looked, self._scanned = self._looked + 1, self._scanned + 1
        doubt = self._follow(image, elapsed)
        if self._scan_due(elapsed) or (
            (doubt or self._looked >= self._options.every) and not self._look(image, seconds)
        ):
            self._scan(image, seconds)
        self._tracks = [track for track in self._tracks if seconds - track.seen <= self._options.memory]
        for track in self._tracks:
            track.settle(seconds, elapsed)
        return [
            Tracked(track.id, track.face, track.confirmed == seconds)
            for track in sorted(self._tracks, key=lambda track: track.id)
            if track.visible and track.proven
        ]

    def _scan_due(self, elapsed: float) -> bool:
        options = self._options
        if elapsed > _LONGEST_STEP:
            return True
        # Of two faces that cover each other one may be found alone, for either.
        together = bool(self._tracks) and all(track.visible and not track.hidden for track in self._tracks)
        return self._scanned >= (options.every * options.scan if together else min(options.idle, options.every))

    def _follow(self, image: Pixels, elapsed: float) -> bool:
        """Move every track on by one frame; whether one that was seen is in doubt now."""
        visible = [track for track in self._tracks if track.visible]
        motions = self._follower.step(image, [track.face.box for track in visible])
        if elapsed > _LONGEST_STEP:
            motions = [None] * len(visible)
        for track in self._tracks:
            track.hidden = _is_hidden(track, visible)
        for track, motion in zip(visible, motions, strict=True):
            if motion is None or track.hidden or not track.follow(motion, image):
                track.sure = False
        for track in self._tracks:
            if not (track.visible and track.sure):
                track.coast(elapsed)
        return any(not (track.sure and track.proven) for track in visible)

    def _look(self, image: Pixels, seconds: float) -> bool:
        """Look for each face in sight where it is; whether all were found. Nobody is given up or new by that."""
        visible = [track for track in self._tracks if track.visible]
        faces = distinct(face for track in visible for face in find_near(self._detector, image, track.face.box))
        self._match(image, faces, visible, seconds)
        self._looked = 0
        missed = [track for track in visible if track.confirmed != seconds]
        # What looked like a face once, and not from near, was none.
        self._tracks = [track for track in self._tracks if track.proven or track not in missed]
        return not any(track.proven for track in missed)

    def _scan(self, image: Pixels, seconds: float) -> None:
        """Look for faces in the whole frame."""
        faces = distinct(find_all(self._detector, image, self._options.min_face))
        rest = self._match(image, faces, self._tracks, seconds)
        for track in self._tracks:
            late = seconds - track.confirmed
            if late and track.visible and not (track.sure and late <= self._options.patience):
                track.lose(late)
        self._welcome(rest, seconds)
        self._looked = self._scanned = 0

    def _match(
        self, image: Pixels, faces: Sequence[Face], tracks: Sequence[_Track], seconds: float
    ) -> list[tuple[Face, Appearance | None]]:
        """Give each track its face; those that are left over, and their looks."""
        looks = [appearance(image, face.box) for face in faces]
        expected = [Place(track.face.box, track.look, seconds - track.seen) for track in tracks]
        pairs = assign(expected, [Place(face.box, look) for face, look in zip(faces, looks, strict=True)])
        for i, j in pairs:
            tracks[i].meet(faces[j], looks[j], seconds)
        known = {j for _, j in pairs}
        return [(faces[j], looks[j]) for j in range(len(faces)) if j not in known]

    def _welcome(self, found: Sequence[tuple[Face, Appearance | None]], seconds: float) -> None:
        """Start a track for each face that is sure enough and not where one is seen already."""
        for face, look in found:
            taken = any(track.visible and covered(face.box, track.face.box) > _HIDING for track in self._tracks)
            if face.confidence >= self._options.confidence and not taken:
                self._count += 1
                self._tracks.append(_Track(self._count, face, look, seconds, face.confidence >= self._options.sure))


class _Track:
    """A person: face as expected or seen, and what it takes to know it again.

    seen: when it was last in sight; confirmed: when it was last detected. sure: the flow still shows the face that was
    detected. hidden: another face covers part of it. proven: it is believed to be a face.
    """

    def __init__(self, number: int, face: Face, look: Appearance | None, seconds: float, proven: bool) -> None:
        self.id, self.face, self.look = number, face, look
        self.visible, self.sure, self.hidden = True, True, False
        self.seen = self.confirmed = seconds
        self.proven, self._found = proven, 1
        self._looked = seconds
        self._velocity = np.zeros(2)
        self._place: npt.NDArray[np.float64] | None = None
        #: Face and velocity when it was last detected.
        self._last = face, self._velocity

    def follow(self, motion: Motion, image: Pixels) -> bool:
        """Move with the flow; whether the face is still there."""
        box = motion.box(self.face.box)
        if self.look is None or resemblance(image, box, self.look) < _SAME:
            return False
        points = [None if p is None else motion.points(p, self.face.box) for p in (self.face.eyes, self.face.landmarks)]
        self.face = Face(box, self.face.confidence, *points)
        return True

    def coast(self, elapsed: float) -> None:
        """Move on as before."""
        self.face = _shifted(self.face, self._velocity * elapsed)

    def lose(self, late: float) -> None:
        """Out of sight since it was detected `late` seconds ago: what the flow showed since then was something else."""
        face, self._velocity = self._last
        self.face, self.visible = _shifted(face, self._velocity * late), False

    def meet(self, face: Face, look: Appearance | None, seconds: float) -> None:
        """Take a detection in."""
        # Where the flow lost it, or frames are too far apart for a flow, its place is a guess.
        if self.visible and self.sure and overlap(self.face.box, face.box) > _NEAR:
            face = _blend(self.face, face)
        if not self.visible:
            self._place = None
        self.face, self.visible, self.sure = face, True, True
        # Also where frames are further apart than the memory reaches.
        self.seen = self.confirmed = seconds
        self._found += 1
        self.proven |= self._found >= _PROOF
        # A look that changes at once is that of somebody in front; one that has changed for long is the person's own.
        if look is None or self.look is None or seconds - self._looked > _NEW_LOOK or look.likeness(self.look) > _ALIKE:
            self.look, self._looked = look or self.look, seconds

    def settle(self, seconds: float, elapsed: float) -> None:
        """End a frame: where the face is in sight and stands alone, learn how it moves."""
        if not self.visible:
            return
        self.seen = seconds
        x, y, width, height = self.face.box
        place, before = np.array([x + width / 2, y + height / 2]), self._place
        self._place = place
        if before is not None and elapsed > 0 and not self.hidden:
            weight = -math.expm1(-elapsed / _INERTIA)
            self._velocity = self._velocity + weight * ((place - before) / elapsed - self._velocity)
        if self.confirmed == seconds:
            self._last = self.face, self._velocity


def _is_hidden(track: _Track, visible: Sequence[_Track]) -> bool:
    return any(other is not track and covered(track.face.box, other.face.box) > _HIDING for other in visible)


def _shifted(face: Face, shift: npt.NDArray[np.float64]) -> Face:
    box = (face.box[0] + float(shift[0]), face.box[1] + float(shift[1]), face.box[2], face.box[3])
    points = [None if p is None else (p + shift).astype(np.float32) for p in (face.eyes, face.landmarks)]
    return Face(box, face.confidence, *points)


def _blend(expected: Face, found: Face) -> Face:
    """Between what the flow expects and what was found; eyes that were not found stay where the flow took them."""

    def points(old: Points | None, new: Points | None) -> Points | None:
        if old is None or new is None:
            return old if new is None else new
        return (old + np.float32(_GAIN) * (new - old)).astype(np.float32)

    box = tuple(old + _GAIN * (new - old) for old, new in zip(expected.box, found.box, strict=True))
    return Face(
        (box[0], box[1], box[2], box[3]),
        found.confidence,
        points(expected.eyes, found.eyes),
        points(expected.landmarks, found.landmarks),
    )
