"""Everything that was asked of a network and faces, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.analysis.saliency.evidence import Evidence, Progress
from fer_cli.analysis.saliency.explain import Methods
from fer_cli.analysis.saliency.inside import Excitations, activation_maps, excite, learned_filters
from fer_cli.analysis.saliency.means import ClassMeans
from fer_cli.analysis.saliency.pictures import read_subjects
from fer_cli.analysis.saliency.rows import Choice
from fer_cli.analysis.saliency.study import Explained, Study, explain
from fer_cli.analysis.saliency.subjects import PREDICTED, Subjects
from fer_cli.models import LoadedModel
from fer_cli.saliency.maximize import STEPS

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    methods: of the catalog. lenient: leave out those that cannot explain the network. explained: a class, `PREDICTED`
    or `GIVEN`. layer: of the CAMs. choice: of rows; detector: of faces in pictures. class_means: over `limit` rows a
    class, or all. evidence: rows to test the methods on. filters, feature_maps, maximize: names, see `inside`.
    """

    methods: Sequence[str] = ()
    lenient: bool = False
    explained: str = PREDICTED
    layer: str | None = None
    choice: Choice = field(default_factory=Choice)
    detector: str = "mtcnn"
    class_means: bool = False
    limit: int | None = None
    evidence: int = 0
    filters: str | None = None
    feature_maps: Sequence[str] = ()
    maximize: str | None = None
    seed: int = 0


@dataclass
class Found:
    """What came of it, which grows while the run goes on; None, or empty, what was not asked for.

    methods: names of those that explain the network. subjects: the faces.
    """

    class_names: tuple[str, ...]
    methods: list[str] = field(default_factory=list)
    subjects: Subjects | None = None
    explained: Explained | None = None
    means: ClassMeans | None = None
    evidence: Evidence | None = None
    feature_maps: dict[str, Floats] = field(default_factory=dict)
    filters: dict[str, Floats] = field(default_factory=dict)
    excitations: Excitations | None = None
    notes: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    def results(self) -> dict[str, Any]:
        """Everything but the arrays, JSON-able."""
        return {
            "methods": self.methods,
            "class_names": list(self.class_names),
            "faces": self.explained.faces() if self.explained else [],
            "class_means": self.means.results() if self.means else None,
            "evidence": self.evidence.results() if self.evidence else None,
            "notes": self.notes,
            "warnings": self.warnings,
        }


def run(model: LoadedModel, study: Study | None, sources: Sequence[str], wanted: Wanted, progress: Progress) -> Found:
    """Explain rows of a study's dataset, or without one the faces in pictures, if any, and the network itself.

    progress: a context, see `Progress`.
    """
    found = Found(model.class_names)
    if study or sources:
        found.subjects = _chosen(study, wanted, found, progress) if study else _read(model, sources, wanted, found)
        if wanted.methods:
            _explain(model, study, found.subjects, wanted, found, progress)
        if wanted.feature_maps:
            found.feature_maps = activation_maps(model.network, wanted.feature_maps, found.subjects.images)
    if wanted.filters:
        found.filters = learned_filters(model.network, wanted.filters)
    if wanted.maximize:
        with progress("steps", STEPS) as advance:
            found.excitations = excite(model, wanted.maximize, wanted.seed, advance)
    return found


def _chosen(study: Study, wanted: Wanted, found: Found, progress: Progress) -> Subjects:
    found.warnings += study.warnings()
    if not wanted.choice.asks_the_network:
        return study.chosen(wanted.choice)
    with progress("images", study.dataset.count(study.split)) as advance:
        return study.chosen(wanted.choice, advance)


def _read(model: LoadedModel, sources: Sequence[str], wanted: Wanted, found: Found) -> Subjects:
    subjects, notes = read_subjects(model, sources, wanted.detector)
    found.notes += notes
    return subjects


def _explain(
    model: LoadedModel, study: Study | None, subjects: Subjects, wanted: Wanted, found: Found, progress: Progress
) -> None:
    """The maps of the faces, their means over classes, and the evidence on the methods."""
    methods = Methods(model.network, wanted.methods, wanted.seed, wanted.layer, wanted.lenient)
    found.methods = list(methods.found)
    found.notes += methods.left_out
    with progress("maps", len(found.methods) * len(subjects)) as advance:
        found.explained = explain(methods, subjects, wanted.explained, advance)
    if study and wanted.class_means:
        with progress("maps", len(found.methods) * len(study.mean_rows(wanted.limit))) as advance:
            found.means = study.class_means(methods, wanted.limit, advance)
    if study and wanted.evidence:
        found.evidence = study.evidence(methods, wanted.evidence, wanted.layer, progress)
        found.notes += found.evidence.notes
        found.warnings += found.evidence.warnings
