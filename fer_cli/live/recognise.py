"""Expressions in files: pictures in batches across files, videos frame by frame."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fer_cli.datasets.parallel import workers
from fer_cli.errors import InputError
from fer_cli.faces.crop import view
from fer_cli.faces.detect import Detector, Face, Pixels
from fer_cli.faces.media import frames, is_video, quiet_opencv, read_picture
from fer_cli.faces.track import TrackOptions
from fer_cli.live.directions import Directions, directions
from fer_cli.live.engine import Engine, EngineOptions, Probabilities, Score, Seen, seen

#: Pictures that are decoded and searched ahead of the model.
_BLOCK = 64

#: Told of each file that cannot be read, or only in part.
Failed = Callable[[Path, InputError], None]
Advance = Callable[[int], None]


@dataclass(frozen=True, eq=False)
class Moment:
    """What was seen in a picture, or in one frame of a video.

    number, seconds: of the frame, None for a picture. image: uint8 (H, W, 3) of a frame, None for a picture, of which
    too many would wait for their batch. size: its height and width. directions: of each face's head and eyes, where
    they were asked for.
    """

    path: Path
    number: int | None
    seconds: float | None
    seen: list[Seen]
    image: Pixels | None = None
    size: tuple[int, int] = (0, 0)
    directions: Sequence[Directions] | None = None


@dataclass(frozen=True)
class Recogniser:
    """How faces are found and scored.

    every: seconds between two frames of a video, None for all frames. batch_size: faces a call of `score`, in pictures.
    looking: whether to measure where heads and eyes point, which takes as long as all else.
    """

    score: Score
    detector: Detector
    options: EngineOptions
    tracking: TrackOptions
    every: float | None = None
    batch_size: int = 128
    looking: bool = False

    def run(self, paths: Sequence[Path], failed: Failed, advance: Advance = lambda _: None) -> Iterator[Moment]:
        """Every picture and every frame wanted, in the order of the paths; `advance` is told of each file done.

        Pictures without a face are among them. Of a video that breaks off, the good frames are.
        """
        for video, group in itertools.groupby(paths, is_video):
            if not video:
                yield from self._pictures(list(group), failed, advance)
                continue
            for path in group:
                yield from self._video(path, failed)
                advance(1)

    def _video(self, path: Path, failed: Failed) -> Iterator[Moment]:
        engine = Engine(self.score, self.detector, self.options, self.tracking)
        try:
            for frame in frames(path, self.every):
                found, image = engine.step(frame), frame.image
                pointing = [directions(image, face) for face in found] if self.looking else None
                yield Moment(path, frame.number, frame.seconds, found, image, image.shape[:2], pointing)
        except InputError as error:
            failed(path, error)

    def _pictures(self, paths: Sequence[Path], failed: Failed, advance: Advance) -> Iterator[Moment]:
        waiting: list[_Found] = []
        find = partial(_find, self.detector, self.options, self.looking)
        with quiet_opencv(), workers() as run:
            for start in range(0, len(paths), _BLOCK):
                for found in run(find, paths[start : start + _BLOCK]):
                    if found.error is not None:
                        failed(found.path, found.error)
                        advance(1)
                        continue
                    waiting.append(found)
                    if sum(len(each.views) for each in waiting) >= self.batch_size:
                        yield from self._scored(waiting, advance)
                        waiting = []
        yield from self._scored(waiting, advance)

    def _scored(self, found: Sequence[_Found], advance: Advance) -> Iterator[Moment]:
        views = [each for picture in found for each in picture.views]
        rows: Iterator[Probabilities] = iter(self.score(views) if views else ())
        for picture in found:
            faces = [
                seen(number, face, row, int(row.argmax()))
                for number, (face, row) in enumerate(zip(picture.faces, rows, strict=False), start=1)
            ]
            advance(1)
            yield Moment(picture.path, None, None, faces, None, picture.size, picture.directions)


@dataclass(frozen=True, eq=False)
class _Found:
    """A picture's faces, most prominent first, their pixels, and where they point; or why there are none."""

    path: Path
    faces: Sequence[Face] = ()
    views: Sequence[Pixels] = ()
    size: tuple[int, int] = (0, 0)
    directions: Sequence[Directions] | None = None
    error: InputError | None = None


def _find(detector: Detector, options: EngineOptions, looking: bool, path: Path) -> _Found:
    try:
        image = read_picture(path)
        faces = detector.detect(image)
    except InputError as error:
        return _Found(path, error=error)
    views = [view(image, face, options.margin, options.align) for face in faces]
    pointing = [directions(image, face) for face in faces] if looking else None
    return _Found(path, faces, views, image.shape[:2], pointing)
