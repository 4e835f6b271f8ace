"""From what a command line asks for to a translator, its judge and the expressions that are wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from fer_cli import files
from fer_cli.analysis.noise.images import chosen_rows
from fer_cli.analysis.predict import Probabilities, checked, fit_to_model
from fer_cli.analysis.translation.base import Pixels, Target, Translator, class_targets, like
from fer_cli.analysis.translation.trial import Faces
from fer_cli.errors import InputError, UsageError
from fer_cli.faces.detect import shared_detector
from fer_cli.faces.media import read_picture
from fer_cli.labels import class_order
from fer_cli.models import LoadedModel, Scorer, load_model
from fer_cli.scorers import load_scorer
from fer_cli.store.reader import Dataset
from fer_cli.transform.illuminate import corrections
from fer_cli.translation import optimize
from fer_cli.translation.media import MediaTranslator
from fer_cli.translation.model import Generator, load_generator
from fer_cli.translation.pictures import find_portraits
from fer_cli.translation.redrawn import Redrawn

#: Faces of a class, at most, whose mean features guide an optimisation.
_GUIDING = 200


@dataclass(frozen=True)
class Chosen:
    """A translator and what was asked of it.

    model: the classifier for `--like` and `--method optimize`. judge: None where nobody judges.
    """

    translator: Translator
    model: LoadedModel | None
    judge: Scorer | None
    asked: Mapping[str, Any]
    other: Pixels | None
    guided_by: Path | None

    @property
    def name(self) -> str:
        """The generator's file, or the method that goes without."""
        return str(self.translator.path) if isinstance(self.translator, Generator) else self.asked["method"]

    def targets(self, class_names: Sequence[str]) -> list[Target]:
        """What is asked for, in the order of `class_names`, which are those of the translator in any order."""
        if self.other is None or self.model is None:
            return class_targets(class_names, self.asked["to"])
        return [like(self.asked["like"].stem, answers(self.model, self.other, class_names)[0])]

    def media(self, targets: Sequence[Target], asked: Mapping[str, Any]) -> MediaTranslator:
        """The translator of files; targets: in the order of the translator's classes."""
        judge, names = self.judge, self.translator.class_names
        return MediaTranslator(
            translator=self.translator,
            targets=targets,
            strength=asked["strength"],
            detector=shared_detector(asked["detector"]),
            margin=asked["margin"],
            judge=None if judge is None else lambda faces: answers(judge, faces, names),
        )

    def inputs(self) -> list[Path]:
        """The files that the work depends on, besides its sources."""
        paths = [self.asked[name] for name in ("model", "reference", "judge", "like") if self.asked[name]]
        own = [self.translator.path] if isinstance(self.translator, Generator) else []
        return list(dict.fromkeys([*own, *paths]))

    def warnings(self, faces: Faces | None = None) -> list[str]:
        """Why faces or figures may be off: light that a generator does not know, judges that know too much.

        faces: of a dataset, None for those of pictures and videos.
        """
        return [
            *self._unknown_light(faces),
            *self._partial_judges(),
            *([] if faces is None else self._learnt_from(faces)),
        ]

    def _unknown_light(self, faces: Faces | None) -> list[str]:
        """A generator changes faces as they are: to correct their light would change the whole picture."""
        if not isinstance(self.translator, Generator):
            return []
        learnt = corrections(self.translator.metadata.get("transforms", ()))
        given = () if faces is None else corrections(faces.dataset.transforms)
        if learnt == given:
            return []
        names = [f"corrected by {', '.join(methods)}" if methods else "not corrected" for methods in (learnt, given)]
        return [
            f"{self.translator.path} learnt from faces whose illumination was {names[0]}; that of these faces was "
            f"{names[1]}"
        ]

    def _partial_judges(self) -> list[str]:
        """Judges that the translator was made to please."""
        metadata = self._metadata
        optimised = [self.model.path] if self.model and not metadata else []
        guides = metadata.get("training", {}).get("classifiers", [])
        pleased = {
            "the classifier that is optimised": optimised,
            "a classifier that guided the generator's training": guides,
        }
        found = []
        for what, paths in pleased.items():
            if self.judge and any(_same(Path(path), self.judge.path) for path in paths):
                found.append(f"{self.judge.path} is {what}, so it is no independent judge")
        apart, guide = Path(self.asked["identity"] or ""), metadata.get("identity_guide") or {}
        if self.judge and apart.is_file() and files.sha256(apart) == guide.get("sha256"):
            found.append(f"{apart} guided the generator's training, so it is no independent judge of identity")
        return found

    def _learnt_from(self, faces: Faces) -> list[str]:
        learnt = self._metadata.get("dataset", {}).get("sha256")
        if faces.split == "train" and learnt and learnt == files.sha256(faces.dataset.path):
            return ["these are the faces that the generator learnt from"]
        return []

    @property
    def _metadata(self) -> dict[str, Any]:
        """The generator's, {} where there is none."""
        return self.translator.metadata if isinstance(self.translator, Generator) else {}

    def notes(self, dataset: Dataset | None = None) -> list[str]:
        """What was done to faces on the way, and what guided an optimisation."""
        found = []
        if dataset is not None and isinstance(self.translator, Generator):
            shape = self.translator.input_shape
            if dataset.image_shape != shape:
                sizes = ["×".join(map(str, sides)) for sides in (dataset.image_shape, shape)]
                found.append(f"images adapted from {sizes[0]} to {sizes[1]}")
        if isinstance(self.translator, Redrawn):
            found.append("drawn anew with the wanted emotion: what a perfect generator would score")
        elif not isinstance(self.translator, Generator):
            by = f"and by mean features of {self.guided_by}" if self.guided_by else "alone"
            found.append(f"optimised by the evidence of {self.asked['model']} {by}")
        return found


def choose(generator: Path | None, asked: Mapping[str, Any], dataset: Dataset | None) -> Chosen:
    """Load what is named.

    generator: None for the other methods. asked: by the names of the options of `fer transfer apply`. dataset: the
    source, whose train rows guide an optimisation unless `reference` names others, and whose faces are redrawn, or
    None. Raises `InputError` and `UsageError` for what cannot be used.
    """
    model = load_model(asked["model"]) if asked["model"] else None
    judge = load_scorer(asked["judge"]) if asked["judge"] else None
    if generator is not None:
        translator: Translator = load_generator(generator)
        other = _other(asked, translator.input_shape)
        return Chosen(translator, model, judge, asked, other, None)
    if asked["method"] == "redraw":
        if dataset is None:
            raise UsageError(
                "--method redraw needs a dataset of fer prepare synthetic as SOURCE. Received: other files"
            )
        translator = Redrawn(dataset, asked["split"], asked["seed"])
        return Chosen(translator, model, judge, asked, _other(asked, translator.input_shape), None)
    assert model is not None  # the command line was checked
    other = _other(asked, model.input_shape)
    guide = _guide(model, asked, dataset)
    features = None if other is None or not _has_features(model) else optimize.features_of(model, other)[0]
    translator = optimize.Optimizer(model, None if guide is None else guide[1], features, seed=asked["seed"])
    return Chosen(translator, model, judge, asked, other, None if guide is None else guide[0])


def answers(model: Scorer, faces: Pixels, class_names: Sequence[str]) -> Probabilities:
    """What a model says of faces uint8 (N, h, w, c) of any size: float32 (N, K) in the order of `class_names`."""
    order = class_order(class_names, model.class_names, str(model.path))
    outputs = checked(model.probabilities(fit_to_model(faces, model)), model)
    return outputs if order is None else outputs[:, order]


def _other(asked: Mapping[str, Any], shape: tuple[int, int, int]) -> Pixels | None:
    """The most prominent face of the picture of `--like`, uint8 (1, H, W, C)."""
    if not asked["like"]:
        return None
    detector = shared_detector(asked["detector"])
    portraits = find_portraits(read_picture(asked["like"]), detector, shape, asked["margin"])
    if not len(portraits):
        raise InputError(f"{asked['like']}: expected a face for --like. Received: none that {asked['detector']} finds")
    return portraits.faces[:1]


def _guide(
    model: LoadedModel, asked: Mapping[str, Any], dataset: Dataset | None
) -> tuple[Path, optimize.Floats] | None:
    """Mean features of the classes, and whose they are; None where the model or the dataset has none."""
    if dataset is None or not dataset.count("train") or not _has_features(model):
        return None
    order = class_order(dataset.class_names, model.class_names, str(model.path))
    labels = dataset.labels("train")
    rows = chosen_rows(labels, _GUIDING, asked["seed"])
    codes = labels[rows] if order is None else np.array(order)[labels[rows]]
    return dataset.path, optimize.prototypes(model, dataset.images("train").take(rows), codes)


def _has_features(model: LoadedModel) -> bool:
    return optimize.LAYER in [layer.name for layer in model.network.layers]


def _same(first: Path, second: Path) -> bool:
    return first.is_file() and second.is_file() and files.sha256(first) == files.sha256(second)
