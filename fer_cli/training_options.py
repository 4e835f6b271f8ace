"""The options that decide how a network is trained, which `fer train` and `fer tune` share.

Each one fills the field of `Settings` that has its name, or is an argument of the architecture.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import click

from fer_cli import catalog, options
from fer_cli.architectures.choose import check_name
from fer_cli.errors import UsageError
from fer_cli.training import settings as known
from fer_cli.training.distribute_peers import parse_workers
from fer_cli.training.settings import Settings
from fer_cli.transform.policy import NAMED_POLICIES, parse_policy

F = TypeVar("F", bound=Callable[..., Any])

#: Options that are arguments of the architecture; it decides about those that are not given.
ARCHITECTURE_OPTIONS = ("stem", "se", "width", "widths", "dense", "activation", "dropout")
#: Of defensive distillation, which multiplies the logits by it; the loss keeps probabilities above e^-69.
HIGHEST_TEMPERATURE = 10
ACTIVATIONS = ("relu", "elu", "gelu", "silu", "leaky_relu", "selu", "tanh")


class _Need(NamedTuple):
    """What an option does nothing without. flags: of that; deciding: names of the options that it is about."""

    flags: str
    deciding: frozenset[str]
    met: Callable[[Mapping[str, Any]], bool]


_COSINE = _Need(
    "--schedule cosine",
    frozenset({"schedule"}),
    lambda passed: passed["schedule"] == "cosine" or not passed["warmup"],  # the others have none
)
_PLATEAU = _Need("--schedule plateau", frozenset({"schedule"}), lambda passed: passed["schedule"] == "plateau")
_FOCAL = _Need("--loss focal", frozenset({"loss"}), lambda passed: passed["loss"] == "focal")
_TAUGHT = _Need(
    "--teacher or --distill",
    frozenset({"teachers", "distill"}),
    lambda passed: bool(passed["teachers"] or passed["distill"]),
)
_THAWED = _Need(
    "--unfreeze-after, as --freeze all-but-head leaves no body to learn",
    frozenset({"freeze", "unfreeze_after"}),
    lambda passed: passed["freeze"] != "all-but-head" or passed["unfreeze_after"] is not None or passed["body_lr"] == 1,
)
_NEEDS = {
    "body_lr": _THAWED,
    "warmup": _COSINE,
    "plateau_patience": _PLATEAU,
    "focal_gamma": _FOCAL,
    "temperature": _TAUGHT,
    "alpha": _TAUGHT,
}

_POSITIVE = click.FloatRange(0, min_open=True)
_PART = click.FloatRange(0, 1, min_open=True)
_BELOW_ONE = click.FloatRange(0, 1, max_open=True)


class Sectioned(click.Command):
    """A command whose help shows its options under headings: those that `training` adds, then all others."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list of options a section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) if isinstance(parameter, click.Option) else None
            if record is not None:
                sections.setdefault(getattr(parameter, "section", "Options"), []).append(record)
        # A stable sort: all keep their order but "Options", which comes last.
        for name in sorted(sections, key="Options".__eq__):
            with formatter.section(name):
                formatter.write_dl(sections[name])


class _Option(click.Option):
    """An option under a heading, whose default is that of its field in `Settings`."""

    def __init__(self, names: list[str], section: str, **attributes: Any) -> None:
        super().__init__(names, **attributes)
        self.section = section
        if "default" not in attributes and self.name in Settings.__dataclass_fields__:
            self.default = getattr(Settings(), self.name)
            self.show_default = self.default not in (None, ())


def training(command: F) -> F:
    """All options of a training run but --seed; `settings_from` understands what they pass."""
    for section, rows in reversed(_SECTIONS.items()):
        for name, attributes in reversed(rows.items()):
            command = click.option(*name.split(), cls=_Option, section=section, **attributes)(command)
    return command


def devices(command: F) -> F:
    """The options that say where a run takes place: --devices, --workers and --rank."""
    for name, attributes in reversed(_DEVICES.items()):
        command = click.option(name, cls=_Option, section="Devices", **attributes)(command)
    return command


def settings_from(arch: str, seed: int, **passed: Any) -> Settings:
    """The settings that the options of `training` ask for; `UsageError` for options that contradict each other."""
    architecture = {name: passed.pop(name) for name in ARCHITECTURE_OPTIONS}
    given = {name: value for name, value in architecture.items() if value is not None}
    if passed["unfreeze_after"] and not passed["freeze"]:
        raise UsageError("--unfreeze-after needs --freeze, which says what to freeze until then")
    _check_defences(passed)
    return Settings(architecture=arch, architecture_options=given, seed=seed, **passed)


def settings_asked(**passed: Any) -> Settings:
    """`settings_from` in a command, of whose command line all options must count."""
    refuse_idle(options.given(click.get_current_context()), passed)
    return settings_from(**passed)


def idle(passed: Mapping[str, Any]) -> dict[str, str]:
    """Options that do nothing beside the others: name -> what would give them something to do.

    passed: the value of each option of `training`, by its name.
    """
    return {name: need.flags for name, need in _NEEDS.items() if not need.met(passed)}


def refuse_idle(
    asked: Mapping[str, str], passed: Mapping[str, Any], searched: Mapping[str, Sequence[Any]] = MappingProxyType({})
) -> None:
    """Raise `UsageError` for an option that was asked for, and would do nothing.

    asked: name -> flag. searched: name -> values, of options that a search chooses, one of which may be what is needed.
    """
    for name in asked.keys() & _NEEDS.keys():
        need = _NEEDS[name]
        choices = [{**passed, other: value} for other in need.deciding for value in searched.get(other, ())]
        if not any(map(need.met, choices or [{**passed}])):
            raise UsageError(f"{asked[name]} does nothing without {need.flags}")


def _check_defences(passed: dict[str, Any]) -> None:
    for name, flag in (("epsilon", "--epsilon"), ("attack_steps", "--steps"), ("trades_beta", "--trades-beta")):
        if passed[name] is not None and not passed["adversarial"]:
            raise UsageError(f"{flag} needs --adversarial, which says what attack to train against")
    if passed["attack_steps"] is not None and passed["adversarial"] == "fgsm":
        raise UsageError("--steps needs --adversarial pgd; fgsm takes a single step")
    if passed["distill"] and passed["teachers"]:
        raise UsageError("--distill and --teacher exclude each other: --distill trains the teacher itself")
    if passed["distill"] and passed["temperature"] > HIGHEST_TEMPERATURE:
        raise UsageError(
            f"--distill: expected a --temperature up to {HIGHEST_TEMPERATURE}, for float32 has no smaller "
            f"probabilities. Received: {passed['temperature']:g}"
        )


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    try:
        check_name(value)
    except UsageError as error:
        raise click.BadParameter(str(error), ctx, param) from None
    return value


def _numbers(ctx: click.Context, param: click.Parameter, value: str | None) -> tuple[int, ...] | None:
    if value is None:
        return None
    parts = [part.strip() for part in value.split(",")]
    if not all(part.isdecimal() and int(part) for part in parts):
        raise click.BadParameter(f"expected whole numbers from 1 up, separated by commas, not {value!r}", ctx, param)
    return tuple(map(int, parts))


def _policy(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if value.endswith((".h5", ".hdf5", ".keras")):
        raise click.BadParameter(f"{value} is no policy; name the files before --augment", ctx, param)
    parse_policy(value)
    return value


def _addresses(_ctx: click.Context, _param: click.Parameter, value: str | None) -> tuple[str, ...]:
    return parse_workers(value) if value is not None else ()


def _tuple(_ctx: click.Context, _param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(value)


#: Section -> "flags [name]" -> attributes of the click option.
_SECTIONS: dict[str, dict[str, dict[str, Any]]] = {
    "Architecture": {
        "--arch": {
            "default": Settings.architecture,
            "show_default": True,
            "metavar": "NAME",
            "callback": _name,
            "shell_complete": options.suggest(*catalog.ARCHITECTURES, "pattern:"),
            "help": "One that --list-architectures prints, or pattern:LETTERS, such as pattern:CCPCCPFF.",
        },
        "--stem": {
            "type": click.Choice(["small", "imagenet"]),
            "help": "First layers of a residual net: 3×3 stride 1, or 7×7 stride 2 and pooling.",
        },
        "--se/--no-se": {"default": None, "help": "Squeeze-and-excitation in each residual block."},
        "--width": {"type": _POSITIVE, "help": "Multiplies all widths."},
        "--widths": {"metavar": "N,N,...", "callback": _numbers, "help": "Channels of each stage."},
        "--dense": {"metavar": "N,N,...", "callback": _numbers, "help": "Units of each hidden dense layer."},
        "--activation": {"type": click.Choice(ACTIVATIONS), "help": "Non-linearity.  [default: by architecture]"},
        "--dropout": {"type": _BELOW_ONE, "help": "Rate before the logits."},
    },
    "Transfer learning": {
        "--init": {
            "metavar": "imagenet|FILE",
            "shell_complete": options.suggest("imagenet", paths=True),
            "help": "Start from ImageNet's weights, or from a .keras, .weights.h5 or .h5 file.",
        },
        "--freeze": {
            "metavar": "all-but-head|STAGE|N",
            "shell_complete": options.suggest("all-but-head"),
            "help": "Keep the weights of all layers but the head, of those up to a stage, or of the first N.",
        },
        "--unfreeze-after": {"type": click.IntRange(1), "metavar": "N", "help": "Freeze for N epochs only."},
        "--body-lr": {"type": _PART, "metavar": "PART", "help": "Learning rate of all but the head, as part of --lr."},
    },
    "Distillation": {
        "--teacher teachers": {
            "multiple": True,
            "metavar": "MODEL",
            "callback": _tuple,
            "shell_complete": options.suggest(paths=True),
            "help": "Learn this model's probabilities too; may be repeated, and they are averaged.",
        },
        "--temperature": {"type": _POSITIVE, "help": "Softens the probabilities of teacher and network."},
        "--alpha": {"type": click.FloatRange(0, 1), "help": "Weight of the teacher's loss; the targets' has the rest."},
        "--distill": {
            "is_flag": True,
            "help": "Defensive distillation: train a teacher first and then the network on its answers, both at "
            "--temperature; as published with --alpha 1.",
        },
    },
    "Adversarial training": {
        "--adversarial": {
            "type": click.Choice(known.ADVERSARIES),
            "help": "Learn to withstand this attack: one step from a random start, or --steps of them.",
        },
        "--epsilon": {
            "type": options.Fraction(),
            "help": "How far the attack changes a pixel, as part of the range: 8/255, 0.03.  [default: 4/255]",
        },
        "--steps attack_steps": {"type": click.IntRange(1), "help": "Of pgd.  [default: 7]"},
        "--trades-beta": {
            "type": click.FloatRange(0),
            "metavar": "BETA",
            "help": "Learn the clean images, plus BETA × KL(clean ‖ attacked answers): TRADES.",
        },
    },
    "Labels and loss": {
        "--targets": {"type": click.Choice(known.TARGETS), "help": "Learn the labels, or the votes of the dataset."},
        "--loss": {"type": click.Choice(known.LOSSES)},
        "--focal-gamma": {"type": click.FloatRange(0), "help": "How much --loss focal turns from easy rows."},
        "--label-smoothing": {"type": _BELOW_ONE},
        "--class-weight": {"type": click.Choice(["none", "balanced"]), "help": "Of the loss, against imbalance."},
        "--sampler": {"type": click.Choice(known.SAMPLERS), "help": "Balanced draws each class as often."},
    },
    "Images": {
        "--augment": {
            "is_flag": False,
            "flag_value": "default",
            "metavar": "[POLICY]",
            "callback": _policy,
            "shell_complete": options.suggest(*NAMED_POLICIES),
            "help": 'Augment while training; a policy such as "strong" or "flip:0.5 rotate:10" may follow.',
        },
        "--mixup": {"type": click.FloatRange(0), "help": "Alpha of the Beta distribution; 0 for none."},
        "--crop": {
            "type": click.IntRange(8),
            "metavar": "N",
            "help": "Random crops of N×N pixels in training, the centre one for val.",
        },
        "--views": {"type": click.IntRange(1), "help": "Views of each drawn row in a batch (multi-crop training)."},
        "--fraction": {"type": _PART, "help": "Part of the train rows to use, the same part of each class."},
    },
    "Optimisation": {
        "--epochs": {"type": click.IntRange(1)},
        "--batch-size": {"type": click.IntRange(1), "help": "Images a step."},
        "--optimizer": {"type": click.Choice(known.OPTIMIZERS)},
        "--lr": {"type": _POSITIVE, "help": "Peak learning rate.  [default: by optimizer]"},
        "--schedule": {"type": click.Choice(known.SCHEDULES)},
        "--warmup": {"type": click.FloatRange(0), "help": "Epochs until --schedule cosine is at the peak."},
        "--plateau-patience": {
            "type": click.IntRange(1),
            "help": "Epochs without a lower val loss before --schedule plateau halves the rate.",
        },
        "--weight-decay": {
            "type": click.FloatRange(0),
            "help": "Decoupled, per unit of lr.  [default: by optimizer]",
        },
        "--ema": {"type": _BELOW_ONE, "help": "Decay of the weight average that is scored and saved; 0 for none."},
        "--patience": {"type": click.IntRange(1), "help": "Stop after so many epochs without a better val accuracy."},
        "--precision": {"type": click.Choice(known.PRECISIONS)},
    },
}

_DEVICES: dict[str, dict[str, Any]] = {
    "--devices": {
        "type": click.IntRange(1),
        "default": 1,
        "show_default": True,
        "help": "Devices of this machine that share each batch: GPUs, or parts of the CPU where there are none.",
    },
    "--workers": {
        "metavar": "HOST:PORT,...",
        "callback": _addresses,
        "help": "Machines that share each batch; the same command runs on each, with its own --rank.",
    },
    "--rank": {"type": click.IntRange(0), "help": "Which of the --workers this is, from 0."},
}
