"""The space of a search: what its file may say, and what its errors name."""

from __future__ import annotations

import tomllib
from pathlib import Path

import optuna
import pytest

from fer_cli.errors import InputError, UsageError
from fer_cli.training.settings import Settings
from fer_cli.training_flags import searchable
from fer_cli.training_options import ARCHITECTURE_OPTIONS
from fer_cli.tuning.space import DEFAULT, Choice, Range, Space, read_space


def read(text: str) -> Space:
    Path("space.toml").write_text(text, encoding="utf-8")
    return read_space(Path("space.toml"), searchable())


def test_the_default_covers_what_the_issue_asks_for() -> None:
    space = read_space(None, searchable())
    assert set(space.names) >= {"lr", "batch_size", "activation", "dropout", "optimizer", "width"}
    assert set(space.as_dict()) == set(tomllib.loads(DEFAULT))


def test_every_option_of_a_training_run_can_be_searched() -> None:
    names = {field.name for field in searchable().values()}
    fields = set(Settings.__dataclass_fields__) - {"architecture", "architecture_options", "seed"}
    assert names == fields | {"arch", *ARCHITECTURE_OPTIONS}


def test_ranges_and_choices_become_values_of_their_options() -> None:
    space = read(
        "lr = { low = 1e-3, high = 1, log = true }\n"
        "batch-size = { low = 16, high = 64, step = 16 }\n"
        "weight_decay = { low = 0, high = 1 }\n"
        "se = { choices = [true, false] }\n"
        "[widths]\nchoices = [[16, 32], [32, 64]]\n"
    )
    assert space.parameters == (
        Range("lr", 1e-3, 1.0, log=True),
        Range("batch_size", 16, 64, step=16),
        Range("weight_decay", 0.0, 1.0),
        Choice("se", (True, False), (True, False)),
        Choice("widths", ("16,32", "32,64"), ((16, 32), (32, 64))),
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    for _ in range(20):
        trial = study.ask()
        drawn = space.suggest(trial)
        values = space.values(drawn)
        assert 1e-3 <= values["lr"] <= 1
        assert values["batch_size"] in (16, 32, 48, 64)
        assert isinstance(values["weight_decay"], float)
        assert values["widths"] == tuple(map(int, drawn["widths"].split(",")))
    assert space.without({"lr", "se", "widths"}).names == ("batch_size", "weight_decay")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("learning_rate = { low = 1, high = 2 }", "unknown option 'learning_rate'"),
        ("droput = { low = 0, high = 0.5 }", "unknown option 'droput': did you mean 'dropout'?"),
        ("lr = 0.1", "lr: expected { low = …, high = … } or { choices = […] }. Received: 0.1"),
        ("lr = { low = 0.1 }", "lr: expected { low"),
        ("lr = { low = 0.1, high = 0.2, loge = true }", "lr: unknown key 'loge': did you mean 'log'?"),
        ("lr = { choices = [0.1], high = 1 }", "lr: unknown key 'high'"),
        ("lr = { low = 0.2, high = 0.1 }", "lr: expected low < high. Received: 0.2 and 0.1"),
        ("lr = { low = 0, high = 0.1 }", "lr: low: 0.0 is not in the range x>0"),
        ('lr = { low = "a", high = 0.1 }', "lr: low: expected a number. Received: 'a'"),
        ("lr = { low = 0.1, high = inf }", "lr: high: expected a number. Received: inf"),
        ("lr = { low = 0.1, high = 1, log = 1 }", "lr: log: expected true or false. Received: 1"),
        ("lr = { low = 0.1, high = 1, step = 0.1, log = true }", "lr: log = true wants low > 0 and no step"),
        ("mixup = { low = 0, high = 1, log = true }", "mixup: log = true wants low > 0 and no step"),
        ("lr = { low = 0.1, high = 1, step = 0 }", "lr: step: expected a number above 0. Received: 0"),
        ("views = { low = 1, high = 4, step = 0.5 }", "views: step: expected a whole number above 0. Received: 0.5"),
        ("batch_size = { low = 1.5, high = 8 }", "batch_size: low: expected a whole number. Received: 1.5"),
        ("batch_size = { choices = [true] }", "batch_size: choices: expected a whole number. Received: True"),
        ("batch_size = { choices = [] }", "batch_size: choices: expected a list of values. Received: []"),
        ("batch_size = { choices = [8, 8] }", "batch_size: choices: a value stands twice. Received: [8, 8]"),
        ("batch_size = { choices = [8] }\nbatch-size = { choices = [9] }", "batch-size stands twice"),
        ('optimizer = { choices = ["sdg"] }', "optimizer: choices: 'sdg' is not one of"),
        ("optimizer = { low = 0, high = 1 }", "optimizer: low: 0 is not one of"),
        ("freeze = { low = 0, high = 1 }", "freeze: low: this option is no number; list its choices. Received: 0"),
        ("widths = { choices = [[16, -1]] }", "widths: choices: expected whole numbers from 1 up"),
        ('arch = { choices = ["resnet43"] }', "arch: choices: unknown architecture 'resnet43'"),
        ("", "nothing to search"),
    ],
)
def test_an_error_names_the_file_and_the_key(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        read(text)
    assert str(caught.value).startswith("space.toml: ")
    assert message in str(caught.value)


def test_a_file_that_is_not_there_or_not_toml() -> None:
    with pytest.raises(InputError, match=r"none\.toml: no such file; --show-space prints one"):
        read_space(Path("none.toml"), searchable())
    with pytest.raises(InputError, match=r"space\.toml: not a TOML file \(Expected .* line 1"):
        read("lr 0.1\nmixup = 1")
