"""Reading what commands recorded: each result with an accuracy as a row of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fer_cli.errors import InputError
from fer_cli.provenance import RESULT, understood

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One result as a row of the table; what a result does not say is None.

    name: of the result's folder. seconds, train_rows: of training. without_duplicates: accuracy without the rows whose
    pixels are those of a train row.
    """

    result: Path
    name: str
    model: str
    dataset: str
    split: str
    n: int
    protocol: str
    accuracy: float
    accuracy_interval: tuple[float, float] | None
    top3: float | None
    macro_f1: float | None
    balanced_accuracy: float | None
    ece: float | None
    without_duplicates: float | None
    parameters: int | None
    train_rows: int | None
    seconds: float | None


def rows(records: Mapping[Path, Record]) -> list[Row]:
    """One row a result, in the order given. records: as `provenance.record` makes them, by where they were found.

    A `fer train` result whose model another result scores lends that row its training time and gets no row of its own;
    a `fer svm` result is a score as well, and keeps its row. Raises `InputError` for a result without an accuracy.
    """
    trained = {r["results"].get("model"): r["results"] for r in records.values() if r["command"] in ("train", "svm")}
    scored = {m for r in records.values() if not _is_training(r) for m in r["results"].get("models", ())}
    return [
        _row(path, record, trained)
        for path, record in records.items()
        if not (_is_training(record) and record["results"].get("model") in scored)
    ]


def has_accuracy(record: Record) -> bool:
    """Whether a result can be a row."""
    return {"accuracy", "n", "split"} <= _scores(record).keys()


def datasets(record: Record) -> list[Mapping[str, str]]:
    """The dataset files among a result's inputs: `path` and `sha256`."""
    return [entry for entry in record["inputs"] if Path(entry["path"]).suffix in {".h5", ".hdf5"}]


def _row(path: Path, record: Record, trained: Mapping[Any, Record]) -> Row:
    with understood(path):
        return _parse(path, record, trained)


def _parse(path: Path, record: Record, trained: Mapping[Any, Record]) -> Row:
    found = _scores(record)
    if not has_accuracy(record):
        raise InputError(f"{path}: a result of fer {record['command']} without an accuracy; compare needs one")
    models = [str(m) for m in found.get("models", ())]
    runs = [trained[m] for m in models if m in trained]
    interval = found.get("accuracy_interval")
    return Row(
        result=path,
        name=_name(path),
        model=" + ".join(Path(m).stem for m in models) or record["command"],
        dataset=", ".join(Path(entry["path"]).stem for entry in datasets(record)),
        split=found["split"],
        n=found["n"],
        protocol=found.get("protocol", ""),
        accuracy=found["accuracy"],
        accuracy_interval=None if interval is None else (interval[0], interval[1]),
        top3=found.get("top3"),
        macro_f1=found.get("macro_f1"),
        balanced_accuracy=found.get("balanced_accuracy"),
        ece=found.get("ece"),
        without_duplicates=(found.get("without_train_duplicates") or {}).get("accuracy"),
        parameters=_total(found.get("members") or runs, "parameters"),
        # The members of an ensemble may share their rows, so no number is told of several runs.
        train_rows=runs[0].get("train_rows") if len(models) == len(runs) == 1 else None,
        # Of an ensemble, a time is known only when each member's is.
        seconds=_total(runs, "seconds") if len(runs) == len(models) else None,
    )


def _name(path: Path) -> str:
    """The folder of a `result.json`, without the ending of a training folder; the stem of another file."""
    folder = path.parent if path.name == RESULT else path
    return folder.resolve().name.removesuffix(".json").removesuffix(".training")


def _is_training(record: Record) -> bool:
    return bool(record["command"] == "train")


def _scores(record: Record) -> Record:
    """The results; of a training run those of its best epoch, in the terms of an evaluation."""
    results: Record = record["results"]
    if not _is_training(record):
        return results
    terms = {"models": [results.get("model", "")], "split": "val", "protocol": "chosen on these rows, one network"}
    return {**(results.get("val") or {}), **terms}


def _total(parts: Sequence[Record], name: str) -> Any:
    values = [part[name] for part in parts if part.get(name) is not None]
    return sum(values) if values else None
