"""The options of a training run, as flags and back."""

from __future__ import annotations

from typing import Any

import click
import pytest

from fer_cli import options, training_flags
from fer_cli.errors import UsageError
from fer_cli.training.settings import Settings
from fer_cli.training_options import settings_from, training

#: Something other than the default for every field and every option of architectures.
CHANGED: dict[str, Any] = {
    "architecture": "resnet18",
    "architecture_options": {
        "stem": "imagenet",
        "se": False,
        "width": 0.5,
        "widths": (16, 32),
        "dense": (64,),
        "activation": "gelu",
        "dropout": 0.25,
    },
    "init": "imagenet",
    "freeze": "all-but-head",
    "unfreeze_after": 2,
    "body_lr": 0.1,
    "teachers": ("a b.keras", "c.keras"),
    "temperature": 2.5,
    "alpha": 0.5,
    "distill": True,
    "adversarial": "pgd",
    "epsilon": 8 / 255,
    "attack_steps": 5,
    "trades_beta": 6.0,
    "targets": "votes",
    "loss": "focal",
    "focal_gamma": 1.5,
    "label_smoothing": 0.0,
    "class_weight": "balanced",
    "sampler": "balanced",
    "crop": 44,
    "views": 4,
    "augment": "flip:0.5 rotate:10",
    "mixup": 0.2,
    "fraction": 0.5,
    "epochs": 7,
    "batch_size": 64,
    "optimizer": "adamw",
    "lr": 1e-5,
    "schedule": "plateau",
    "warmup": 0.0,
    "plateau_patience": 2,
    "weight_decay": 0.0,
    "ema": 0.999,
    "patience": 3,
    "precision": "mixed_bfloat16",
    "seed": 5,
}


def parsed(flags: list[str]) -> Settings:
    """What a command with the options of a training run makes of them."""

    @click.command()
    @training
    @options.seed_opt
    def command(**passed: Any) -> Settings:
        return settings_from(**passed)

    settings: Settings = command.main(flags, standalone_mode=False)
    return settings


def test_everything_that_is_changed_here_is_changed() -> None:
    assert CHANGED.keys() == Settings.__dataclass_fields__.keys()
    assert [name for name, value in CHANGED.items() if getattr(Settings(), name) == value] == []


@pytest.mark.parametrize("name", [*CHANGED, "all"])
def test_flags_ask_for_the_settings_that_they_were_made_of(name: str) -> None:
    attack = ("adversarial", name)
    together = {
        "unfreeze_after": ("freeze", "unfreeze_after"),
        "plateau_patience": ("schedule", "plateau_patience"),
        "focal_gamma": ("loss", "focal_gamma"),
        **{name: ("teachers", name) for name in ("temperature", "alpha")},
        **dict.fromkeys(("epsilon", "attack_steps", "trades_beta"), attack),
        "all": CHANGED.keys() - {"distill"},  # which trains a teacher of its own
    }.get(name, (name,))
    settings = Settings(**{field: CHANGED[field] for field in together})
    assert parsed(training_flags.flags_of(settings)) == settings


def test_what_does_nothing_needs_no_flag() -> None:
    idle = Settings(schedule="constant", warmup=3, focal_gamma=1, plateau_patience=2, temperature=2, alpha=1)
    assert training_flags.flags_of(idle) == ["--arch", "mini", "--schedule", "constant"]


def test_defaults_need_no_flags() -> None:
    assert training_flags.flags_of(Settings()) == ["--arch", Settings.architecture]
    assert training_flags.flags_of(Settings(lr=0.1, architecture_options={"se": True})) == [
        "--arch", "mini", "--se", "--lr", "0.1",
    ]  # fmt: skip


def test_raw_values_become_those_of_the_option() -> None:
    fields = training_flags.searchable()
    assert fields["teacher"].name == "teachers"
    assert fields["teacher"].convert("a.keras") == ("a.keras",)
    assert fields["widths"].convert("16,32") == (16, 32)
    assert fields["batch_size"].convert(64) == 64
    assert fields["se"].convert(False) is False
    with pytest.raises(UsageError, match=r"^0 is not in the range"):
        fields["epochs"].convert(0)
