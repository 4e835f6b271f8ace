"""Whether maps can be believed: deletion and insertion, pointing at known parts, and the sanity check, in one go."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.saliency import perturb, pointing, sanity
from fer_cli.analysis.saliency.chance import Mean, mean
from fer_cli.analysis.saliency.explain import Methods
from fer_cli.analysis.saliency.perturb import RANDOM, Curves
from fer_cli.analysis.saliency.subjects import Subjects
from fer_cli.datasets.facs.action_units import EMOTION_UNITS
from fer_cli.datasets.facs.face import Face
from fer_cli.models import LoadedModel

#: Faces of the sanity check, each of which is explained many times.
SANITY_FACES = 12

#: Called with a line on what begins and the number of its steps; gives what to call with the steps done.
Progress = Callable[[str, int], Any]


@dataclass(frozen=True)
class Faithfulness:
    """Deletion (lower is better) and insertion (higher is better) of one method, areas of 0..1.

    deletion_gain, insertion_gain: what the method is better by than orders of chance on the same faces; above 0 is
    better. None for chance itself.
    """

    method: str
    deletion: Mean
    insertion: Mean
    deletion_gain: Mean | None
    insertion_gain: Mean | None


@dataclass(frozen=True)
class Evidence:
    """What was found on `n` faces. curves: of each method and of chance. pointing: None where parts are not known."""

    n: int
    faithfulness: list[Faithfulness]
    curves: Mapping[str, Curves]
    pointing: list[pointing.Pointing] | None
    sanity: list[sanity.Sanity]
    warnings: list[str]
    notes: list[str]

    def results(self) -> dict[str, Any]:
        """JSON-able, with the mean curve of each method."""
        return {
            "n": self.n,
            "faithfulness": [_plain(one) for one in self.faithfulness],
            "curves": {
                name: {"deletion": curves.deletion.mean(0).tolist(), "insertion": curves.insertion.mean(0).tolist()}
                for name, curves in self.curves.items()
            },
            "fractions": perturb.fractions().tolist(),
            "pointing": None if self.pointing is None else [_plain(one) for one in self.pointing],
            "sanity": [_plain(one) for one in self.sanity],
            "sanity_n": len(sanity_faces(self.n)),
        }


def sanity_faces(count: int) -> npt.NDArray[np.intp]:
    """Which of `count` faces the sanity check takes, at even distances."""
    return np.unique(np.linspace(0, count - 1, min(count, SANITY_FACES)).astype(np.intp))


def gather(
    model: LoadedModel,
    methods: Methods,
    subjects: Subjects,
    drawn: Sequence[Face] | str,
    seed: int,
    layer: str | None,
    progress: Progress,
) -> Evidence:
    """All evidence on the maps of the predicted class of each face.

    drawn: what each of the subjects is a picture of, or why that is not known. progress: a context, see `Progress`.
    """
    images, classes, names = subjects.images, subjects.predictions, list(methods.found)
    with progress("maps", len(names) * len(images)) as advance:
        strengths = methods.strengths(methods.maps(images, classes, advance))
    with progress("images deleted and inserted", perturb.passes(len(images), len(names))) as advance:
        curves = perturb.measure(model, images, classes, strengths, seed, advance)
    some = sanity_faces(len(images))
    needed = sanity.maps_needed(model.network, len(names), len(some))
    with progress("maps of networks drawn anew", needed) as advance:
        checked = sanity.cascade(model.network, names, images[some], classes[some], seed, layer, advance)
    pointed, notes = _point(model, subjects, drawn, strengths, seed)
    warnings = [line for one in checked if (line := sanity.warning(one))]
    return Evidence(len(images), _faithfulness(curves, seed), curves, pointed, checked, warnings, notes)


def _faithfulness(curves: Mapping[str, Curves], seed: int) -> list[Faithfulness]:
    chance, found = curves[RANDOM], []
    for name, one in curves.items():
        gains = (chance.deletion_auc - one.deletion_auc, one.insertion_auc - chance.insertion_auc)
        both = [None, None] if name == RANDOM else [mean(gain, seed) for gain in gains]
        found.append(Faithfulness(name, mean(one.deletion_auc, seed), mean(one.insertion_auc, seed), *both))
    return found


def _point(
    model: LoadedModel,
    subjects: Subjects,
    drawn: Sequence[Face] | str,
    strengths: Mapping[str, npt.NDArray[np.floating]],
    seed: int,
) -> tuple[list[pointing.Pointing] | None, list[str]]:
    """The pointing of each method, or None, and what to say of it."""
    if isinstance(drawn, str):
        return None, [f"no pointing score: {drawn}"]
    # What a network goes by where it is wrong is not known, and no part moves in a neutral face.
    named = [subjects.class_names[one] for one in subjects.predictions]
    usable = [
        place
        for place, (face, name) in enumerate(zip(drawn, named, strict=True))
        if pointing.moved_parts(face.units) and _units(face) == set(EMOTION_UNITS.get(name, ()))
    ]
    if not usable:
        return None, ["no pointing score: none of the faces has an expression that the network names rightly"]
    known = pointing.truth([drawn[place] for place in usable], model)
    found = pointing.score(known, {name: maps[usable] for name, maps in strengths.items()}, seed)
    return found, [f"pointing: the {len(usable)} of {len(drawn)} faces that are not neutral and named rightly"]


def _units(face: Face) -> set[str]:
    return {field.name for field in dataclasses.fields(face.units) if getattr(face.units, field.name) > 0}


def _plain(found: Any) -> dict[str, Any]:
    """A dataclass as dictionaries, each `Mean` as the value under its name with its interval beside it."""
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(found):
        value = getattr(found, field.name)
        if isinstance(value, Mean):
            plain |= {field.name: value.mean, f"{field.name}_interval": list(value.interval)}
        elif isinstance(value, list) and value and dataclasses.is_dataclass(value[0]):
            plain[field.name] = [_plain(one) for one in value]
        else:
            plain[field.name] = value
    return plain
