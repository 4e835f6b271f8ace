"""What `fer saliency` shows in tables, on the terminal and on the page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]
Results = Mapping[str, Any]


def show(terminal: Terminal, results: Results) -> None:
    """Print the `results` of a saliency record."""
    for title, header, rows in shown(results):
        terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)
    for line in results["warnings"]:
        terminal.warn(line)


def shown(results: Results) -> list[Shown]:
    """The faces, and what the tests of the methods found."""
    found = [_faces(results)] if results["faces"] else []
    evidence = results["evidence"]
    if evidence is None:
        return found
    found.append(_faithfulness(evidence))
    if evidence["pointing"]:
        found.append(_pointing(evidence["pointing"]))
    found.append(_sanity(evidence))
    return found


def evidence_rows(evidence: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A row a method and one of chance, for a CSV file; an interval is two columns."""
    pointed = {one["method"]: one for one in evidence["pointing"] or ()}
    checked = {one["method"]: one for one in evidence["sanity"]}
    rows = []
    for one in evidence["faithfulness"]:
        name = one["method"]
        cells = {"n": evidence["n"], **one, **_known(pointed, name, "pointing"), **_final(checked, name)}
        rows.append(cells)
    keys = dict.fromkeys(key for row in rows for key in row)
    return [
        {column: cell for key in keys for column, cell in tables.columns(key, row.get(key)).items()} for row in rows
    ]


def _known(pointed: Mapping[str, Mapping[str, Any]], name: str, prefix: str) -> dict[str, Any]:
    if name not in pointed:
        return {}
    one = pointed[name]
    wanted = ("n", "mass", "mass_interval", "area", "hits", "hits_interval")
    return {
        **{f"{prefix}_{key}": one[key] for key in wanted},
        **{f"mass_{part}": share for part, share in one["parts"].items()},
    }


def _final(checked: Mapping[str, Mapping[str, Any]], name: str) -> dict[str, Any]:
    if name not in checked:
        return {}
    last = checked[name]["stages"][-1]
    return {
        "sanity_similarity": last["similarity"],
        "sanity_similarity_interval": last["similarity_interval"],
        "sanity_passed": checked[name]["passed"],
    }


def _faces(results: Results) -> Shown:
    where = f"{Path(results['dataset']).name}, {results['split']}" if "dataset" in results else "pictures"
    title = f"{Path(results['model']).name} on {where}, n = {len(results['faces'])}"
    header = ("face", "given", "predicted", "probability", "explained", "probability of it")
    keys = ("source", "given", "predicted", "probability", "explained", "probability_explained")
    return title, header, [[face[key] for key in keys] for face in results["faces"]]


def _faithfulness(evidence: Mapping[str, Any]) -> Shown:
    header = (
        "method", "deletion", "95 % interval", "below chance by", "95 % interval",
        "insertion", "95 % interval", "above chance by", "95 % interval",
    )  # fmt: skip
    rows = [
        [
            one["method"],
            one["deletion"],
            tables.interval_text(one["deletion_interval"]),
            one["deletion_gain"],
            tables.interval_text(one.get("deletion_gain_interval")),
            one["insertion"],
            tables.interval_text(one["insertion_interval"]),
            one["insertion_gain"],
            tables.interval_text(one.get("insertion_gain_interval")),
        ]
        for one in evidence["faithfulness"]
    ]
    return (
        f"deletion (lower is better) and insertion (higher is better), area of 0 to 1, n = {evidence['n']}",
        header,
        rows,
    )


def _pointing(found: Sequence[Mapping[str, Any]]) -> Shown:
    parts = list(found[0]["parts"])
    header = ("method", "mass inside", "95 % interval", "by chance", "highest inside", "95 % interval", *parts)
    rows = [
        [
            one["method"], one["mass"], tables.interval_text(one["mass_interval"]), one["area"], one["hits"],
            tables.interval_text(one["hits_interval"]), *one["parts"].values(),
        ]
        for one in found
    ]  # fmt: skip
    return f"pointing at the parts that make the expression, n = {found[0]['n']}; mass in each part", header, rows


def _sanity(evidence: Mapping[str, Any]) -> Shown:
    stages = evidence["sanity"][0]["stages"]
    header = ("method", "outcome", *(f"{stage['layers']} layers" for stage in stages), "95 % interval of the last")
    rows = [
        [
            one["method"],
            "passed" if one["passed"] else "FAILED",
            *(stage["similarity"] for stage in one["stages"]),
            tables.interval_text(one["stages"][-1]["similarity_interval"]),
        ]
        for one in evidence["sanity"]
    ]
    n = evidence["sanity_n"]
    return f"rank correlation of maps after so many layers were drawn anew, n = {n}", header, rows
