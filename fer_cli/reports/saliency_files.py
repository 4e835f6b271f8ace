"""The files of `fer saliency`: maps as arrays and as sheets, the tests of the methods, and a network's inside."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fer_cli.reports import network_figures, saliency_figures, saliency_view, tables

if TYPE_CHECKING:
    from fer_cli.analysis.saliency.run import Found
    from fer_cli.analysis.saliency.study import Explained
    from fer_cli.analysis.saliency.subjects import Subjects

Floats = npt.NDArray[np.float32]

#: The maps, and the mean maps of the classes.
MAPS, MEANS = "maps.npz", "class_means.npz"


def write(found: Found, folder: Path) -> list[str]:
    """Fill a folder with what was found; the names of its files."""
    if found.explained:
        _write_maps(found.explained, folder)
    if found.means:
        found.means.write(folder / MEANS)
        saliency_figures.class_means(found.means, folder / "class_means.png")
    if found.evidence:
        evidence = found.evidence.results()
        tables.write_csv(folder / "evidence.csv", saliency_view.evidence_rows(evidence))
        saliency_figures.tests(evidence, folder)
    if found.subjects and found.feature_maps:
        _write_feature_maps(found.subjects, found.feature_maps, folder)
    for layer, filters in found.filters.items():
        network_figures.filter_sheet(filters, folder / f"filters-{layer}.png", layer)
    if made := found.excitations:
        captions = [f"{name}\n{part:.2f}" for name, part in zip(made.class_names, made.probabilities, strict=True)]
        network_figures.excitation_sheet(made.images, captions, folder / "excitation.png")
    return sorted(path.name for path in folder.iterdir())


def _write_maps(found: Explained, folder: Path) -> None:
    """A table, a sheet, and everything of the sheet as arrays without pickles."""
    subjects, faces = found.subjects, found.faces()
    tables.write_csv(folder / "faces.csv", faces)
    labels = [saliency_figures.label(face) for face in faces]
    saliency_figures.sheet(subjects.images, labels, found.strengths, folder / "sheet.png")
    np.savez_compressed(
        folder / MAPS,
        allow_pickle=False,
        images=subjects.images,
        sources=np.array(subjects.sources),
        class_names=np.array(subjects.class_names),
        probabilities=subjects.probabilities,
        explained=found.classes,
        **found.maps,
    )


def _write_feature_maps(subjects: Subjects, found: Mapping[str, Floats], folder: Path) -> None:
    """A sheet a face. found: layer -> (N, h, w, F)."""
    for number, image in enumerate(subjects.images):
        seen = subjects.class_names[subjects.predictions[number]]
        title = f"{Path(subjects.sources[number]).name} → {seen} {subjects.probabilities[number].max():.2f}"
        maps = {name: each[number] for name, each in found.items()}
        network_figures.feature_map_sheet(image, maps, folder / f"feature_maps-{number + 1}.png", title)
