"""The space that a search draws from: a TOML file, a table for each option of `fer train` to be searched."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from fer_cli.catalog import unknown
from fer_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from optuna import Trial

#: What a study stores as the value of a choice.
Label = str | int | float | bool

#: The space named "default"; what the architecture does not take, and what is fixed by a flag, is left out of it.
DEFAULT = """\
# One line for each option of `fer train` to search, under the name of its flag:
#   a range: low and high, with log = true or a step on request; or choices.
# Widths and units are lists: widths = { choices = [[16, 32], [32, 64]] }
lr = { low = 1e-4, high = 0.5, log = true }
batch_size = { choices = [32, 64, 128, 256] }
optimizer = { choices = ["sgd", "adamw"] }
augment = { choices = ["none", "light", "default", "strong"] }
dropout = { low = 0.0, high = 0.5 }
activation = { choices = ["relu", "elu", "gelu", "silu"] }
width = { choices = [0.5, 0.75, 1.0, 1.5] }
"""
_RANGE_KEYS = ("low", "high", "log", "step")


class Field(NamedTuple):
    """An option that may be searched: the name under which it is passed on, and what makes its value of raw TOML.

    convert raises `UsageError` without the name of the option.
    """

    name: str
    convert: Callable[[Any], Any]


@dataclass(frozen=True)
class Range:
    """Numbers from low to high, both included; whole ones when both are. log: uniform in the logarithm."""

    name: str
    low: float
    high: float
    log: bool = False
    step: float | None = None

    def suggest(self, trial: Trial) -> Label:
        """Draw one."""
        if isinstance(self.low, int) and isinstance(self.high, int):
            return trial.suggest_int(self.name, self.low, self.high, step=int(self.step or 1), log=self.log)
        return trial.suggest_float(self.name, self.low, self.high, step=self.step, log=self.log)

    @property
    def highest(self) -> float:
        """The highest value there is."""
        return self.high

    def value(self, label: Label) -> Any:
        """The option's value of what was drawn."""
        return label


@dataclass(frozen=True)
class Choice:
    """One of some values. labels: what stands for each in the study, the value itself where it is no list."""

    name: str
    labels: tuple[Label, ...]
    values: tuple[Any, ...]

    def suggest(self, trial: Trial) -> Label:
        """Draw one."""
        drawn: Any = trial.suggest_categorical(self.name, self.labels)
        label: Label = drawn
        return label

    @property
    def highest(self) -> Any:
        """The highest value there is."""
        return max(self.values)

    def value(self, label: Label) -> Any:
        """The option's value of what was drawn."""
        return self.values[self.labels.index(label)]


@dataclass(frozen=True)
class Space:
    """All that is searched; a search draws each parameter of it anew for each trial."""

    parameters: tuple[Range | Choice, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The options that are searched."""
        return tuple(parameter.name for parameter in self.parameters)

    def suggest(self, trial: Trial) -> dict[str, Label]:
        """Draw all parameters of a trial, as the study stores them."""
        return {parameter.name: parameter.suggest(trial) for parameter in self.parameters}

    def values(self, drawn: Mapping[str, Label]) -> dict[str, Any]:
        """The options' values of what a trial drew."""
        return {parameter.name: parameter.value(drawn[parameter.name]) for parameter in self.parameters}

    def without(self, names: set[str]) -> Space:
        """The space in which these options are not searched."""
        return Space(tuple(parameter for parameter in self.parameters if parameter.name not in names))

    def as_dict(self) -> dict[str, Any]:
        """JSON-able: the range or the choices of each name."""
        return {
            p.name: {"choices": list(p.labels)} if isinstance(p, Choice) else _without_name(asdict(p))
            for p in self.parameters
        }


def read_space(source: Path | None, fields: Mapping[str, Field]) -> Space:
    """The space of a TOML file; of `DEFAULT` where source is None.

    fields: the options there are, by the name of their flag with underscores. Raises `InputError` for a file that
    cannot be read, `UsageError` that names file and key for what it should not hold.
    """
    place = str(source or "the default space")
    try:
        tables = tomllib.loads(DEFAULT if source is None else source.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{place}: no such file; --show-space prints one to start from") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{place}: not a TOML file ({error})") from error
    if not tables:
        raise UsageError(f"{place}: nothing to search; --show-space prints an example")
    parameters: dict[str, Range | Choice] = {}
    for key, table in tables.items():
        flag = key.replace("-", "_")
        if flag not in fields:
            raise UsageError(f"{place}: {unknown('option', flag, fields)}")
        parameter = _parameter(fields[flag], table, f"{place}: {key}")
        if parameters.setdefault(parameter.name, parameter) is not parameter:
            raise UsageError(f"{place}: {key} stands twice")
    return Space(tuple(parameters.values()))


def _parameter(field: Field, table: Any, place: str) -> Range | Choice:
    if not isinstance(table, dict) or not ("choices" in table or {"low", "high"} <= table.keys()):
        raise UsageError(f"{place}: expected {{ low = …, high = … }} or {{ choices = […] }}. Received: {table!r}")
    allowed = ("choices",) if "choices" in table else _RANGE_KEYS
    for key in table:
        if key not in allowed:
            raise UsageError(f"{place}: {unknown('key', key, allowed)}")
    return _choice(field, table["choices"], place) if "choices" in table else _range(field, table, place)


def _choice(field: Field, raw: Any, place: str) -> Choice:
    if not isinstance(raw, list) or not raw:
        raise UsageError(f"{place}: choices: expected a list of values. Received: {raw!r}")
    values = tuple(_converted(field, item, f"{place}: choices") for item in raw)
    labels = tuple(value if isinstance(value, Label) else _text(value) for value in values)
    if len(set(labels)) < len(labels):
        raise UsageError(f"{place}: choices: a value stands twice. Received: {raw!r}")
    return Choice(field.name, labels, values)


def _range(field: Field, table: Mapping[str, Any], place: str) -> Range:
    low, high = (_number(field, table[end], f"{place}: {end}") for end in ("low", "high"))
    log, step = table.get("log", False), table.get("step")
    if not low < high:
        raise UsageError(f"{place}: expected low < high. Received: {low} and {high}")
    if not isinstance(log, bool):
        raise UsageError(f"{place}: log: expected true or false. Received: {log!r}")
    if log and (step is not None or low <= 0):
        raise UsageError(f"{place}: log = true wants low > 0 and no step. Received: low {low}, step {step}")
    whole = isinstance(low, int)
    if step is not None and not (_is_number(step) and step > 0 and (not whole or isinstance(step, int))):
        kind = "a whole number" if whole else "a number"
        raise UsageError(f"{place}: step: expected {kind} above 0. Received: {step!r}")
    return Range(field.name, low, high, log, step)


def _number(field: Field, raw: Any, place: str) -> float:
    if not _is_number(raw):
        raise UsageError(f"{place}: expected a number. Received: {raw!r}")
    value = _converted(field, raw, place)
    if not _is_number(value):
        raise UsageError(f"{place}: this option is no number; list its choices. Received: {raw!r}")
    number: float = value
    return number


def _converted(field: Field, raw: Any, place: str) -> Any:
    try:
        value = field.convert(_text(raw) if isinstance(raw, list) else raw)
    except UsageError as error:
        raise UsageError(f"{place}: {error}") from None
    # Python's int() drops the fraction, and takes true for 1.
    if _is_number(value) and (isinstance(raw, bool) or (_is_number(raw) and value != raw)):
        raise UsageError(
            f"{place}: expected {'a whole number' if isinstance(value, int) else 'a number'}. Received: {raw}"
        )
    return value


def _text(values: Any) -> str:
    return ",".join(map(str, values))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _without_name(parameter: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in parameter.items() if name != "name"}
