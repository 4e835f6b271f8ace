"""Do maps point at what makes the expression? On drawn faces it is known which parts the action units move.

The share of a map inside the parts is the energy-based pointing game of Wang et al., "Score-CAM", CVPR workshops 2020
(arXiv:1910.01279); whether its highest pixel is there, the pointing game of Zhang et al., "Top-down neural attention by
excitation backprop", ECCV 2016 (arXiv:1608.00507).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.predict import whole_shape
from fer_cli.analysis.saliency.chance import Mean, mean
from fer_cli.analysis.saliency.explain import masses
from fer_cli.datasets.facs.action_units import ActionUnits
from fer_cli.datasets.facs.face import Face
from fer_cli.datasets.facs.geometry import Box, regions
from fer_cli.models import LoadedModel
from fer_cli.transform.adapt import adapt
from fer_cli.transform.crops import centre

#: Part of a face -> what `geometry.regions` calls it. Where two overlap, the first one counts.
PARTS: dict[str, tuple[str, ...]] = {
    "mouth": ("mouth",),
    "nose": ("nose",),
    "brows": ("left_brow", "right_brow"),
    "eyes": ("left_eye", "right_eye"),
}
#: The part that an action unit moves above all.
MOVES: dict[str, str] = {
    "au01": "brows", "au02": "brows", "au04": "brows",
    "au05": "eyes", "au06": "eyes", "au07": "eyes", "au43": "eyes",
    "au09": "nose",
    "au12": "mouth", "au15": "mouth", "au16": "mouth", "au20": "mouth", "au23": "mouth", "au26": "mouth",
}  # fmt: skip
#: Everything else in the picture.
ELSEWHERE = "elsewhere"
#: What is added around a part, of the picture's side: the edge of a lip is seen from outside, too.
MARGIN = 0.02
#: Side of the pictures in which regions are drawn.
_SIDE = 192

Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Truth:
    """Where the parts of N faces are, in pixels of the network's input.

    parts: (N, H, W), number of the part in `PARTS` from 1, 0 elsewhere. moved: (N, H, W), the parts that the face's
    action units move, as they are at rest and as they are moved.
    """

    parts: npt.NDArray[np.uint8]
    moved: Flags


@dataclass(frozen=True)
class Pointing:
    """How one method points, over the faces with an expression.

    mass: of the map inside the parts that move, 0..1. area: of those parts, what a map without sense has inside.
    gain: mass - area, face by face. hits: share of the faces whose highest pixel is inside. parts: mean mass in each
    part and elsewhere.
    """

    method: str
    n: int
    mass: Mean
    area: float
    gain: Mean
    hits: Mean
    parts: dict[str, float]


def moved_parts(units: ActionUnits) -> set[str]:
    """The parts that the units of a face move; none of a neutral one."""
    return {MOVES[field.name] for field in dataclasses.fields(units) if getattr(units, field.name) > 0}


def truth(faces: Sequence[Face], model: LoadedModel) -> Truth:
    """Where the parts of drawn faces are in what the network sees of them."""
    height, width, _ = model.input_shape
    layers = np.stack([_layers(face) for face in faces])
    whole = whole_shape(model, model.input_shape)
    seen = [
        centre(adapt(layer[..., None], (*whole[:2], 1)), (height, width))[..., 0]
        for layer in layers.transpose(3, 0, 1, 2)
    ]
    *parts, moved = (layer > 127 for layer in seen)
    numbered = np.zeros(moved.shape, np.uint8)
    for number, part in reversed(list(enumerate(parts, start=1))):
        numbered[part] = number
    return Truth(numbered, moved)


def score(known: Truth, strengths: Mapping[str, npt.NDArray[np.floating]], seed: int) -> list[Pointing]:
    """One a method. strengths: name -> (N, H, W) of the faces of `known`, all of which have an expression."""
    return [_score(name, known, maps, seed) for name, maps in strengths.items()]


def _score(name: str, known: Truth, strengths: npt.NDArray[np.floating], seed: int) -> Pointing:
    mass = masses(strengths)
    inside, areas = (mass * known.moved).sum((1, 2)), known.moved.mean((1, 2))
    flat = strengths.reshape(len(strengths), -1)
    highest = flat == flat.max(1, keepdims=True)
    # Where several pixels are highest, as in the patches of a coarse map, the share of them that is inside.
    hits = (highest & known.moved.reshape(len(flat), -1)).sum(1) / highest.sum(1)
    shares = {
        part: float((mass * (known.parts == number)).sum((1, 2)).mean()) for number, part in enumerate(PARTS, start=1)
    }
    return Pointing(
        method=name,
        n=len(strengths),
        mass=mean(inside, seed),
        area=float(areas.mean()),
        gain=mean(inside - areas, seed),
        hits=mean(hits, seed),
        parts={**shares, ELSEWHERE: 1 - sum(shares.values())},
    )


def _layers(face: Face) -> npt.NDArray[np.uint8]:
    """Masks (side, side, parts + 1), 0 or 255: each part, and last all that the units move, moved and at rest."""
    moved, rest = regions(face, _SIDE), regions(dataclasses.replace(face, units=ActionUnits()), _SIDE)
    masks = [_boxes([moved[name] for name in names]) for names in PARTS.values()]
    moving = [name for part in sorted(moved_parts(face.units)) for name in PARTS[part]]
    masks.append(_boxes([boxes[name] for boxes in (moved, rest) for name in moving]))
    return np.stack(masks, axis=-1)


def _boxes(boxes: Sequence[Box]) -> npt.NDArray[np.uint8]:
    mask = np.zeros((_SIDE, _SIDE), np.uint8)
    for box in boxes:
        left, top = (max(0, round(edge - MARGIN * _SIDE)) for edge in (box.left, box.top))
        right, bottom = (max(0, round(edge + MARGIN * _SIDE) + 1) for edge in (box.right, box.bottom))
        mask[top:bottom, left:right] = 255
    return mask
