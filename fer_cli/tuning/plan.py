"""What a search is asked to do; picklable, so that any process or machine can take part in it."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from fer_cli.training.settings import Settings
from fer_cli.tuning.space import Label, Space

#: random: each trial alone. tpe: the tree-structured Parzen estimator of Bergstra et al., "Algorithms for
#: Hyper-Parameter Optimization" (NIPS 2011), which draws more of what went well. hyperband: draws of the same, and
#: the pruning of Li et al., "Hyperband" (JMLR 18, 2018), where the others prune what is below the median.
SAMPLERS = ("tpe", "random", "hyperband")


class Measure(NamedTuple):
    """By what epochs and trials are compared. column: its name in a history, without "val_"; title: in words."""

    column: str
    title: str


ACCURACY, ROBUST = Measure("accuracy", "val accuracy"), Measure("robust", "val accuracy under attack")


@dataclass(frozen=True)
class Plan:
    """A search: what to draw, how to make settings of it, and where the trials are kept.

    dataset: an absolute path, the same on all machines. dataset_sha256: of that file. fixed: the options that are not
    searched, seed and epochs among them. configure: makes settings of all options; raises `UsageError` for options
    that do not fit together. storage: see `storage.open_storage`. study: the name of the search in it.
    trials: how many to have in all, whoever runs them, failed ones not counted. prune: stop trials that fall behind.
    backend: that of Keras. run: this run of the program among all that work on the study.
    """

    dataset: Path
    dataset_sha256: str
    space: Space
    fixed: Mapping[str, Any]
    configure: Callable[..., Settings]
    storage: str
    study: str = "fer"
    trials: int = 20
    sampler: str = "tpe"
    prune: bool = True
    backend: str = "tensorflow"
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def settings(self, drawn: Mapping[str, Label]) -> Settings:
        """The settings of a trial that drew these; raises what `configure` does."""
        return self.configure(**{**self.fixed, **self.space.values(drawn)})

    @property
    def measure(self) -> Measure:
        """By what trials are compared."""
        attacked = self.fixed.get("adversarial") or "adversarial" in self.space.names
        return ROBUST if attacked else ACCURACY

    @property
    def epochs(self) -> int:
        """The most epochs that a trial may have."""
        searched = {parameter.name: parameter.highest for parameter in self.space.parameters}
        return int(searched.get("epochs", self.fixed["epochs"]))

    def identity(self) -> dict[str, Any]:
        """What all trials of a study share, JSON-able; other runs must agree to take part."""
        fixed = {name: value for name, value in self.fixed.items() if name not in self.space.names}
        identity = {"dataset": self.dataset_sha256, "space": self.space.as_dict(), "fixed": fixed}
        if self.measure is not ACCURACY:
            identity["measure"] = self.measure.title
        normal: dict[str, Any] = json.loads(json.dumps(identity))
        return normal
