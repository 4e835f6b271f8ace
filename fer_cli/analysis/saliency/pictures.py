"""Faces out of picture files."""

from __future__ import annotations

from collections.abc import Sequence

from fer_cli.analysis.saliency.subjects import Subjects, of_pictures
from fer_cli.errors import InputError, UsageError
from fer_cli.faces.crop import crop_face
from fer_cli.faces.detect import shared_detector
from fer_cli.faces.media import expand, is_video, read_picture
from fer_cli.models import LoadedModel


def read_subjects(model: LoadedModel, sources: Sequence[str], detector: str) -> tuple[Subjects, list[str]]:
    """The most prominent face of each picture as the network sees it, and a line for each file without one.

    sources: files, folders and patterns; those of the subjects are the files. detector: of `catalog.DETECTORS`; `skip`
    takes whole pictures. Raises `InputError` for a file that cannot be read and where no picture shows a face,
    `UsageError` for a video.
    """
    finder = shared_detector(detector)
    faces, paths, notes = [], [], []
    for path in expand(sources):
        if is_video(path):
            raise UsageError(f"{path}: expected pictures or a dataset file. Received: a video")
        face = crop_face(read_picture(path), finder, margin=0.0, align=True)
        if face is None:
            notes.append(f"{path}: {detector} found no face, left out")
        else:
            faces.append(face)
            paths.append(str(path))
    if not faces:
        raise InputError(
            f"{', '.join(sources)}: {detector} found no face; --detector skip is for pictures that are faces"
        )
    return of_pictures(model, faces, paths), notes
