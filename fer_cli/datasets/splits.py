"""Splits other than the original ones: folds by person, folds by picture, and what may leak from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_cli.datasets.audit import digests
from fer_cli.errors import InputError, UsageError
from fer_cli.labels import SPLITS
from fer_cli.store.reader import Dataset

Codes = npt.NDArray[np.uint8]
Groups = npt.NDArray[np.generic]

#: `--split random` is the first of so many random folds: 80 % train, 10 % val, 10 % test.
RANDOM_FOLDS = 10
#: Folds are stored as uint8.
MOST_FOLDS = 255
#: The attribute of a dataset file that holds each row's fold.
FOLD = "fold"

_TRAIN, _VAL, _TEST = (SPLITS.index(name) for name in ("train", "val", "test"))
_PATTERN = re.compile(r"(?P<method>subject|random):(?P<fold>\d+)/(?P<folds>\d+)")


@dataclass(frozen=True)
class SplitPlan:
    """What `--split` asks for.

    method: "original", "subject" or "random". fold of folds, counted from 1, is test, and the next one is val where
    there are more than two; both are 0 for "original".
    """

    method: str
    fold: int = 0
    folds: int = 0


def parse_split(text: str) -> SplitPlan:
    """The plan that "original", "random", "subject:K/N" or "random:K/N" stands for; `UsageError` for anything else."""
    if text == "original":
        return SplitPlan("original")
    if text == "random":
        return SplitPlan("random", 1, RANDOM_FOLDS)
    match = _PATTERN.fullmatch(text)
    if not match:
        raise UsageError(f"--split: expected original, random, subject:K/N or random:K/N. Received: {text!r}")
    fold, folds = int(match["fold"]), int(match["folds"])
    if not 1 <= fold <= folds or not 2 <= folds <= MOST_FOLDS:
        raise UsageError(
            f"--split {text}: expected fold K of N with N from 2 to {MOST_FOLDS} and K from 1 to N. "
            f"Received: K = {fold}, N = {folds}"
        )
    return SplitPlan(match["method"], fold, folds)


def assign_folds(labels: Codes, groups: Groups, folds: int, seed: int) -> npt.NDArray[np.intp]:
    """The fold (from 0) of each row, so that the rows of a group share theirs; arguments are (N,).

    Folds get about equally many rows, and of each class about equally many, as in a stratified k-fold grouped by
    person: groups, the large ones first, go where they add least to the sum over folds and classes of the squared
    shares. The order of the rows does not matter. Raises `InputError` for fewer groups than folds.
    """
    names, members = np.unique(groups, return_inverse=True)
    if len(names) < folds:
        raise InputError(f"{folds} folds: expected at least as many persons or distinct images. Received: {len(names)}")
    table = np.zeros((len(names), int(labels.max()) + 2))
    np.add.at(table, (members, labels), 1)
    # The last column counts all rows: an empty fold is always the cheapest, so none stays empty.
    table[:, -1] = table.sum(1)
    shares = table / np.maximum(table.sum(0), 1)
    filled, fold_of = np.zeros((folds, table.shape[1])), np.zeros(len(names), np.intp)
    shuffled = np.random.default_rng(seed).permutation(len(names))
    for group in shuffled[np.argsort(-table[shuffled, -1], kind="stable")]:
        fold = int(np.argmin(filled @ shares[group]))
        filled[fold] += shares[group]
        fold_of[group] = fold
    return fold_of[members]


def split_by_fold(fold_of: npt.NDArray[np.intp], plan: SplitPlan) -> Codes:
    """Splits (N,) for folds (N,) from 0: the plan's fold is test, the next one val, the others train.

    With two folds there is no val: the other one is train.
    """
    split = np.full(len(fold_of), _TRAIN, np.uint8)
    if plan.folds > 2:
        split[fold_of == plan.fold % plan.folds] = _VAL
    split[fold_of == plan.fold - 1] = _TEST
    return split


def groups_of(method: str, subject: Groups | None, digest: Groups) -> Groups:
    """What must stay together: persons, or for "random" only identical images; `InputError` where there are no persons.

    subject, digest: (N,).
    """
    if method == "random":
        return digest
    if subject is None:
        raise InputError("--split subject: the source does not say who is in its images; random:K/N splits by image")
    return subject


def kept_together(dataset: Dataset, split: str) -> tuple[Groups, str]:
    """What must not be in two folds of a split, row by row (N,), and what that is: "subject" or "identical image"."""
    subjects = dataset.subjects(split)
    if subjects is not None:
        return np.array(subjects), "subject"
    return np.concatenate([digests(block) for block in dataset.images(split).blocks()]), "identical image"


def leaks(plan: SplitPlan, split: Codes, subject: Groups | None) -> list[str]:
    """What a score on these splits may owe to persons that are also in train, a line each."""
    if subject is not None:
        parts = [set(subject[split == code]) for code in range(len(SPLITS))]
        shared = parts[_TRAIN] & (parts[_VAL] | parts[_TEST]) | parts[_VAL] & parts[_TEST]
        if shared:
            return [f"{plan.method} split: {len(shared)} of {len(set(subject))} persons are in more than one split"]
    elif plan.method == "random":
        return ["random split: nothing is known of the persons, who may be in more than one split"]
    return []


def known_leaks(provenance: Mapping[str, Any]) -> list[str]:
    """What `fer prepare` found to leak when it made a dataset file, from the file's provenance."""
    found = provenance.get("results", {}).get("split", {})
    return list(found.get("leaks", ())) if isinstance(found, dict) else []
