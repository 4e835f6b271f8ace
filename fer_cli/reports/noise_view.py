"""What `fer noise` shows in tables, on the terminal and on the page, and writes to CSV files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fer_cli.analysis.noise.levels import CLEAN, VARIANCE
from fer_cli.reports import tables
from fer_cli.reports.terminal import Terminal

#: The severity whose tests stand for those of the others where there is no room.
_MIDDLE = 3
#: Title, header and rows.
Shown = tuple[str, Sequence[str], list[list[Any]]]
Results = Mapping[str, Any]


def show(terminal: Terminal, results: Results) -> None:
    """Print the `results` of a noise record."""
    for title, header, rows in overview(results, narrow=True):
        terminal.table(title, header, rows)
    for note in results["notes"]:
        terminal.log(note)
    if results["paired"] and kinds(results):
        terminal.log("paired.csv has the tests of all levels")
    for warning in results["warnings"]:
        terminal.warn(warning)


def overview(results: Results, narrow: bool = False) -> list[Shown]:
    """All tables. narrow: for a terminal, without long texts, and of severities' tests only those of the middle one."""
    named = names(results)
    found = [_variances(results, model) for model in named if _levels(results, model, VARIANCE)]
    if kinds(results):
        found += [_severities(results, entry) for entry in results["corruptions"]]
        found.append(_summary(results))
    if results["paired"]:
        found.append(_paired(results, narrow))
    for model, entries in results["published"].items():
        found.append((f"published, and ours beside it: {named[model]}", *tables.published_rows(entries, narrow)))
    return found


def names(results: Results) -> dict[str, str]:
    """What each model is called, by its path: its stem, or the path where two share one."""
    paths = list(dict.fromkeys(score["model"] for score in results["levels"]))
    stems = [Path(path).stem for path in paths]
    return {path: stem if stems.count(stem) == 1 else path for path, stem in zip(paths, stems, strict=True)}


def kinds(results: Results) -> list[str]:
    """The corruptions in severities, in their order."""
    found = dict.fromkeys(score["kind"] for score in results["levels"])
    return [kind for kind in found if kind not in (CLEAN, VARIANCE)]


def level_rows(results: Results) -> list[dict[str, Any]]:
    """A row a model and level, for a CSV file; outliers are separated by blanks."""
    rows = []
    for score in results["levels"]:
        low, high = score["accuracy_interval"]
        plain = {key: score[key] for key in ("model", "kind", "level", "n", "repeats", "accuracy")}
        outliers = " ".join(f"{value:.6f}" for value in score["spread"]["outliers"])
        rows.append({**plain, "accuracy_low": low, "accuracy_high": high, **score["spread"], "outliers": outliers})
    return rows


def repeat_rows(results: Results) -> list[dict[str, Any]]:
    """A row a model, level and repeat, for a CSV file."""
    return [
        {"model": score["model"], "kind": score["kind"], "level": score["level"], "repeat": number, "accuracy": value}
        for score in results["levels"]
        for number, value in enumerate(score["accuracies"], start=1)
    ]


def paired_rows(results: Results) -> list[dict[str, Any]]:
    """A row a level and model after the first, for a CSV file."""
    rows = []
    for pair in results["paired"]:
        flat = dict(pair)
        flat["difference_low"], flat["difference_high"] = flat.pop("difference_interval")
        rows.append(flat)
    return rows


def corruption_rows(results: Results) -> list[dict[str, Any]]:
    """A row a model and kind, for a CSV file."""
    return [
        {"model": entry["model"], "kind": kind, **{key: entry[key][kind] for key in ("error", "ce", "relative")}}
        for entry in results["corruptions"]
        for kind in kinds(results)
    ]


def _levels(results: Results, model: str, kind: str) -> list[Mapping[str, Any]]:
    return [score for score in results["levels"] if score["model"] == model and score["kind"] == kind]


def _variances(results: Results, model: str) -> Shown:
    header = ("variance", "accuracy", "95 % interval", "repeats", "min", "quartile", "median", "quartile", "max",
              "outliers")  # fmt: skip
    rows = []
    for score in _levels(results, model, CLEAN) + _levels(results, model, VARIANCE):
        spread = score["spread"]
        places = [spread[key] for key in ("minimum", "lower_quartile", "median", "upper_quartile", "maximum")]
        outliers = ", ".join(f"{value:.4f}" for value in spread["outliers"]) or None
        interval = tables.interval_text(score["accuracy_interval"])
        rows.append([f"{score['level']:g}", score["accuracy"], interval, score["repeats"], *places, outliers])
    return f"{names(results)[model]} under Gaussian noise ({_conditions(results)})", header, rows


def _severities(results: Results, entry: Mapping[str, Any]) -> Shown:
    model = entry["model"]
    (clean,) = _levels(results, model, CLEAN)
    rows = []
    for kind in kinds(results):
        accuracies = [score["accuracy"] for score in _levels(results, model, kind)]
        rows.append([kind, *accuracies, entry["error"][kind], entry["ce"][kind], entry["relative"][kind]])
    title = f"{names(results)[model]}: accuracy by severity, {clean['accuracy']:.4f} clean ({_conditions(results)})"
    return _filled(title, ("corruption", "1", "2", "3", "4", "5", "mean error", "CE", "relative CE"), rows)


def _summary(results: Results) -> Shown:
    named, measures = names(results), ("mean_error", "mce", "relative_mce")
    rows = [
        [
            named[entry["model"]], entry["clean_error"],
            *(part for key in measures for part in (entry[key], _interval(entry[f"{key}_interval"]))),
        ]
        for entry in results["corruptions"]
    ]  # fmt: skip
    columns = ("mean error", "95 % interval", "mCE", "95 % interval of mCE", "relative mCE", "95 % interval of it")
    reference = results["reference"]
    title = f"{len(kinds(results))} corruptions" + (f", errors against {named[reference]}" if reference else "")
    return _filled(title, ("model", "clean error", *columns), rows)


def _paired(results: Results, narrow: bool) -> Shown:
    named = names(results)
    header = ("model", "level", "difference", "95 % interval", "gained", "lost", "McNemar p", "Holm p")
    rows = []
    for pair in results["paired"]:
        if narrow and pair["kind"] not in (CLEAN, VARIANCE) and pair["level"] != _MIDDLE:
            continue
        low, high = pair["difference_interval"]
        level = "clean" if pair["kind"] == CLEAN else f"{pair['kind']} {pair['level']:g}"
        ends = [pair["gained"], pair["lost"], f"{pair['p_value']:.3g}", f"{pair['p_holm']:.3g}"]
        rows.append([named[pair["model"]], level, f"{pair['difference']:+.4f}", f"{low:+.4f} to {high:+.4f}", *ends])
    first = named[results["paired"][0]["against"]]
    return f"against {first}, on the same pixels; gained, lost and McNemar: first repeat", header, rows


def _filled(title: str, header: Sequence[str], rows: list[list[Any]]) -> Shown:
    """Without the columns that no row fills."""
    keep = [i for i in range(len(header)) if any(row[i] is not None for row in rows)]
    return title, [header[i] for i in keep], [[row[i] for i in keep] for row in rows]


def _interval(interval: Sequence[float] | None) -> str | None:
    return None if interval is None else tables.interval_text(interval)


def _conditions(results: Results) -> str:
    return f"{Path(results['dataset']).name}, {results['split']}, n = {results['n']:,}"
