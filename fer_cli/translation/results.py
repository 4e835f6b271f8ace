"""What `fer transfer apply` has to say, as the results of its record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_cli.analysis.translation.base import Target
from fer_cli.analysis.translation.judge import Verdict
from fer_cli.analysis.translation.trial import Faces
from fer_cli.translation.choose import Chosen
from fer_cli.translation.media import Seen, summary


def dataset_results(chosen: Chosen, faces: Faces, targets: Sequence[Target], verdict: Verdict | None) -> dict[str, Any]:
    """Of the rows of a dataset; targets: in the order of its classes. verdict: None where nobody judged."""
    judged = None if verdict is None else verdict.results()
    return {
        "generator": chosen.name,
        "dataset": str(faces.dataset.path),
        "split": faces.split,
        "n": len(faces),
        "targets": _named(targets, faces.class_names),
        "verdict": judged,
        "leaks": judged["leaks"] if judged else [],
        "warnings": [*chosen.warnings(faces), *(judged["warnings"] if judged else [])],
        "notes": chosen.notes(faces.dataset),
    }


def media_results(
    chosen: Chosen,
    seen: Sequence[Seen],
    without: Sequence[Path],
    targets: Sequence[Target],
) -> dict[str, Any]:
    """Of pictures and videos; targets: in the order of the translator's classes. without: the files with no face."""
    return {
        "generator": chosen.name,
        "targets": _named(targets, chosen.translator.class_names),
        "faces": len(seen),
        "pictures": summary(seen, targets),
        "verdict": None,
        "warnings": [*chosen.warnings(), *(f"{path}: {chosen.asked['detector']} found no face" for path in without)],
        "notes": chosen.notes(),
    }


def _named(targets: Sequence[Target], class_names: Sequence[str]) -> list[dict[str, str]]:
    return [{"name": target.name, "label": class_names[target.label]} for target in targets]
