"""Which settings of a classifier are searched: a built-in grid, none, or a file of the user's."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sklearn.model_selection import ParameterGrid

from fer_cli import catalog, files
from fer_cli.classical.pipelines import GRIDS, classifier
from fer_cli.errors import InputError, UsageError

Setting = dict[str, Any]


def read_grids(source: str, names: Sequence[str]) -> dict[str, list[Setting]]:
    """The settings to try for each classifier of `names`, the one without any change first.

    source: "default", "none", or a TOML or JSON file of parameter = [values], in a table for each classifier where
    there are several. Raises `UsageError` for a classifier or parameter that does not exist, `InputError` for a file
    that is no grid.
    """
    if source == "none":
        grids: Mapping[str, Any] = {}
    elif source == "default":
        grids = GRIDS
    else:
        grids = _by_name(_read(Path(source)), names, source)
    return {name: _settings(name, grids.get(name, {}), source) for name in names}


def _read(path: Path) -> dict[str, Any]:
    try:
        content = files.read_json(path) if path.suffix == ".json" else tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; --grid takes default, none, or a .toml or .json file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not a readable TOML file ({error})") from error
    if not isinstance(content, dict):
        raise InputError(f"{path}: expected parameter = [values]. Received: {type(content).__name__}")
    return content


def _by_name(content: dict[str, Any], names: Sequence[str], source: str) -> dict[str, Any]:
    """A grid a classifier: the file's tables, or the whole file where it has none and there is one classifier."""
    if content and all(isinstance(value, dict) for value in content.values()):
        for name in content:
            if name not in catalog.CLASSIFIERS:
                raise UsageError(f"{source}: {catalog.unknown('classifier', name, catalog.CLASSIFIERS)}")
        return content
    if len(names) > 1:
        raise UsageError(f"{source}: expected a table for each classifier, such as [{names[0]}]. Received: one grid")
    return {names[0]: content}


def _settings(name: str, grid: Mapping[str, Any], source: str) -> list[Setting]:
    """All combinations of the values that differ from the defaults or from each other."""
    defaults = classifier(name, 0, {}).get_params()
    for parameter, values in grid.items():
        if parameter not in defaults:
            raise UsageError(f"{source}: {catalog.unknown(f'parameter of {name}', parameter, sorted(defaults))}")
        if not isinstance(values, list) or not values:
            raise InputError(f"{source}: {parameter}: expected a list of values. Received: {values!r}")
    settings: list[Setting] = [{}]
    known = [defaults]
    for setting in ParameterGrid(dict(grid)) if grid else ():
        if (whole := {**defaults, **setting}) not in known:
            known.append(whole)
            settings.append(setting)
    return settings
