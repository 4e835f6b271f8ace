"""Translating the faces of picture and video files, and writing the files again."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from fer_cli import files
from fer_cli.analysis.translation.base import Pixels, Target, Translator
from fer_cli.errors import OutputError
from fer_cli.faces.detect import Detector
from fer_cli.faces.media import describe_video, frames, is_video, read_picture
from fer_cli.translation.pictures import find_portraits, translate_portraits

#: What of a file's faces is kept for the sheet.
_KEPT = 8
_CODEC = "mp4v"

Probabilities = npt.NDArray[np.float32]
#: Class probabilities (n, K), in the translator's order, of faces uint8 (n, H, W, C).
Ask = Callable[[Pixels], Probabilities]


@dataclass(frozen=True, eq=False)
class Seen:
    """A face of a file and its translations.

    file: its path. frame: number in a video, None in a picture. face: number in the picture, the most prominent is 0.
    before: uint8 (H, W, C); after: uint8 (T, H, W, C). answers: float32 (1 + T, K), of the face as it was and of its
    translations, None without a judge.
    """

    file: str
    frame: int | None
    face: int
    before: Pixels
    after: Pixels
    answers: Probabilities | None


@dataclass(frozen=True)
class MediaTranslator:
    """Translates whole files to each of `targets`, which are in the order of the translator's classes.

    detector, margin, align: as for `find_portraits`. judge: is asked about each face before and after, or None.
    """

    translator: Translator
    targets: Sequence[Target]
    strength: float
    detector: Detector
    margin: float = 0.0
    align: bool = True
    judge: Ask | None = None

    def translate(
        self, path: Path, folder: Path, stem: str, advance: Callable[[int], None] = lambda _: None
    ) -> list[Seen]:
        """Write `STEM-TARGET.png` or, for a video, `STEM-TARGET.mp4` to `folder`; the faces that were found.

        A picture without a face is not written; the frames of a video without one stay as they are. advance: is called
        after each picture or frame. Raises `InputError` for a file that cannot be read.
        """
        names = [folder / f"{stem}-{files.plain_name(target.name)}" for target in self.targets]
        if is_video(path):
            return self._video(path, [name.with_name(f"{name.name}.mp4") for name in names], advance)
        pictures, seen = self._picture(read_picture(path), str(path), None)
        if seen:
            for picture, name in zip(pictures, names, strict=True):
                _write_png(picture, name.with_name(f"{name.name}.png"))
        advance(1)
        return seen

    def _video(self, path: Path, outputs: Sequence[Path], advance: Callable[[int], None]) -> list[Seen]:
        video, seen = describe_video(path), []
        with contextlib.ExitStack() as stack:
            writers = [stack.enter_context(_writing(out, video.rate, (video.width, video.height))) for out in outputs]
            for frame in frames(path):
                pictures, found = self._picture(frame.image, str(path), frame.number)
                seen += found
                for picture, write in zip(pictures, writers, strict=True):
                    write(picture)
                advance(1)
        return seen

    def _picture(self, picture: Pixels, file: str, frame: int | None) -> tuple[list[Pixels], list[Seen]]:
        """The picture once a target, and its faces."""
        portraits = find_portraits(picture, self.detector, self.translator.input_shape, self.margin, self.align)
        if not len(portraits):
            return [picture] * len(self.targets), []
        made = [
            translate_portraits(portraits, self.translator, target.condition, self.strength) for target in self.targets
        ]
        stages = [portraits.faces, *(faces for _, faces in made)]
        answers = None if self.judge is None else np.stack([self.judge(faces) for faces in stages], axis=1)
        after = np.stack(stages[1:], axis=1)
        seen = [
            Seen(file, frame, face, portraits.faces[face], after[face], None if answers is None else answers[face])
            for face in range(len(portraits))
        ]
        return [whole for whole, _ in made], seen


def translate_files(
    paths: Sequence[Path], translator: MediaTranslator, folder: Path, advance: Callable[[int], None]
) -> tuple[list[Seen], list[Path]]:
    """Translate the faces of all files into `folder`: the faces, and the files that have none.

    Files of one name, from several folders, get a number: the results lie side by side.
    """
    seen, without = [], []
    for path, stem in zip(paths, _own_stems(paths), strict=True):
        found = translator.translate(path, folder, stem, advance)
        seen += found
        if not found:
            without.append(path)
    return seen, without


def _own_stems(paths: Sequence[Path]) -> list[str]:
    """A name for each file that no other has, nor will have: `x`, and `x-2` where nothing else is called so."""
    given, found = {path.stem for path in paths}, list[str]()
    for path in paths:
        numbered = (f"{path.stem}-{number}" for number in itertools.count(2))
        later = (stem for stem in numbered if stem not in given and stem not in found)
        found.append(next(later) if path.stem in found else path.stem)
    return found


def rows(seen: Sequence[Seen], targets: Sequence[Target], class_names: Sequence[str]) -> list[dict[str, Any]]:
    """A row a face and target: where it is, what the judge takes it for before and after, whether that is a hit."""
    found = []
    for one in seen:
        for number, target in enumerate(targets):
            row: dict[str, Any] = {"file": one.file, "frame": one.frame, "face": one.face, "target": target.name}
            if one.answers is not None:
                before, after = one.answers[0], one.answers[1 + number]
                row |= {"before": class_names[before.argmax()], "after": class_names[after.argmax()]}
                row |= {"probability": round(float(after[target.label]), 6)}
                row |= {"hit": int(after.argmax() == target.label)}
            found.append(row)
    return found


def summary(seen: Sequence[Seen], targets: Sequence[Target]) -> list[dict[str, Any]]:
    """A row a file and target: frames and faces, the share that the judge takes for the target, after and before."""
    found = []
    for file in dict.fromkeys(one.file for one in seen):
        own = [one for one in seen if one.file == file]
        for number, target in enumerate(targets):
            named = [one.answers.argmax(1) == target.label for one in own if one.answers is not None]
            found.append(
                {
                    "file": file,
                    "frames": len({one.frame for one in own}),
                    "faces": len(own),
                    "target": target.name,
                    "hit_rate": float(np.mean([hit[1 + number] for hit in named])) if named else None,
                    "before": float(np.mean([hit[0] for hit in named])) if named else None,
                }
            )
    return found


def examples(seen: Sequence[Seen]) -> list[Seen]:
    """Some faces for a sheet: of each file in turn, the first ones."""
    by_file = [[one for one in seen if one.file == file] for file in dict.fromkeys(one.file for one in seen)]
    turns = max(map(len, by_file), default=0)
    return [own[turn] for turn in range(turns) for own in by_file if turn < len(own)][:_KEPT]


def _write_png(picture: Pixels, path: Path) -> None:
    _, data = cv2.imencode(".png", picture[..., ::-1])
    path.write_bytes(data.tobytes())


@contextlib.contextmanager
def _writing(path: Path, rate: float, size: tuple[int, int]) -> Iterator[Callable[[Pixels], None]]:
    """A function that adds a frame uint8 (H, W, 3) to a new video; size: (width, height)."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*_CODEC), rate, size)
    if not writer.isOpened():
        raise OutputError(f"{path}: OpenCV cannot write a video with the codec {_CODEC}")
    try:
        yield lambda picture: writer.write(picture[..., ::-1])
    finally:
        writer.release()
