"""Every option and argument that more than one command has, as a named decorator."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import click
from click import shell_completion
from click.core import ParameterSource

from fer_cli import catalog, claims, files
from fer_cli.errors import InputError
from fer_cli.labels import EMOTIONS_8, SPLITS

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_DATASET = Path("data/fer2013.h5")
DATASET_ENDINGS = {".h5", ".hdf5"}
MODEL_ENDINGS = {".keras", ".skops", ".onnx", ".tflite"}
#: The network that ships with the package; its card is the README.md beside it.
SHIPPED_MODEL = Path(__file__).parent / "pretrained" / "mini.keras"


def suggest(
    *known: str, paths: bool = False
) -> Callable[[click.Context, click.Parameter, str], list[shell_completion.CompletionItem]]:
    """What a shell completes a free text to: a name that is known, or else a path where there may be one."""

    def complete(
        _ctx: click.Context, _param: click.Parameter, incomplete: str
    ) -> list[shell_completion.CompletionItem]:
        names = [shell_completion.CompletionItem(name) for name in known if name.startswith(incomplete)]
        return names or [shell_completion.CompletionItem(incomplete, type="file")] * paths

    return complete


#: The emotions, which may be names of a model's classes.
suggest_class = suggest(*EMOTIONS_8)


def given(ctx: click.Context) -> dict[str, str]:
    """The options that the command line has, in the order of the command's own: name -> flag."""
    said = ParameterSource.COMMANDLINE
    return {
        str(each.name): each.opts[0]
        for each in ctx.command.params
        if isinstance(each, click.Option) and ctx.get_parameter_source(str(each.name)) is said
    }


def existing_dataset(path: Path | None) -> Path:
    """The dataset named, else `$FER_DATASET`, else the default; it must be there."""
    if path is not None:
        if not path.is_file():
            raise InputError(f"{path}: no such dataset file")
        return path
    named = os.environ.get("FER_DATASET")
    default = Path(named) if named else DEFAULT_DATASET
    if not default.is_file():
        origin = "named by $FER_DATASET" if named else "the default DATASET"
        raise InputError(f"{default} ({origin}) is not there; make it with: fer prepare fer2013.csv -o {default}")
    return default


def dataset_arg(command: F) -> F:
    """DATASET, optional: an .h5 file; `$FER_DATASET` or data/fer2013.h5 when left out."""
    return click.argument(
        "dataset",
        required=False,
        type=click.Path(path_type=Path),
        callback=lambda _ctx, _param, value: existing_dataset(value),
    )(command)


def models_and_dataset_arg(command: F) -> F:
    """MODEL... [DATASET] as one list, told apart by their endings: passes `models` (tuple) and `dataset`."""

    def divide(ctx: click.Context, param: click.Parameter, values: tuple[Path, ...]) -> tuple[Path, ...]:
        datasets = [path for path in values if path.suffix in DATASET_ENDINGS]
        models = tuple(path for path in values if path.suffix not in DATASET_ENDINGS)
        if len(datasets) > 1:
            raise click.BadParameter(f"one DATASET expected, not {len(datasets)}", ctx, param)
        ctx.params["dataset"] = existing_dataset(datasets[0] if datasets else None)
        return models or (default_model(),)

    return click.argument(
        "models", nargs=-1, metavar="MODEL... [DATASET]", type=click.Path(path_type=Path), callback=divide
    )(command)


def model_and_dataset_arg(command: F) -> F:
    """MODEL [DATASET], told apart by their endings: passes `model` and `dataset`."""
    return _model_and_dataset(command, default_model)


def optional_model_and_dataset_arg(command: F) -> F:
    """The same, but `model` is None where none is named; see `default_model`."""
    return _model_and_dataset(command, lambda: None)


def _model_and_dataset(command: F, default: Callable[[], Path | None]) -> F:
    def divide(ctx: click.Context, param: click.Parameter, values: tuple[Path, ...]) -> Path | None:
        models = [path for path in values if path.suffix not in DATASET_ENDINGS]
        datasets = [path for path in values if path.suffix in DATASET_ENDINGS]
        for name, paths in {"MODEL": models, "DATASET": datasets}.items():
            if len(paths) > 1:
                raise click.BadParameter(f"one {name} expected, not {len(paths)}", ctx, param)
        ctx.params["dataset"] = existing_dataset(datasets[0] if datasets else None)
        return models[0] if models else default()

    return click.argument(
        "model", nargs=-1, metavar="MODEL [DATASET]", type=click.Path(path_type=Path), callback=divide
    )(command)


def model_and_sources_arg(command: F) -> F:
    """MODEL [SOURCE]..., where only a first argument with a model's ending is MODEL: passes `model` and `sources`."""

    def divide(ctx: click.Context, _param: click.Parameter, values: tuple[str, ...]) -> Path:
        named = bool(values) and Path(values[0]).suffix in MODEL_ENDINGS
        ctx.params["sources"] = values[named:]
        return Path(values[0]) if named else default_model()

    return click.argument(
        "model", nargs=-1, metavar="MODEL [SOURCE]...", callback=divide, shell_complete=suggest(paths=True)
    )(command)


def default_model() -> Path:
    """The model of `$FER_MODEL`, else the one that ships with the package."""
    return Path(os.environ.get("FER_MODEL") or SHIPPED_MODEL)


model_opt = click.option(
    "--model",
    type=click.Path(path_type=Path),
    callback=lambda _ctx, _param, value: value or default_model(),
    help="The model file.  [default: $FER_MODEL, else the network that ships with fer]",
)


class Duration(click.ParamType):  # type: ignore[type-arg]
    """A time in seconds: 2, 0.5s, 500ms, 1m; from 0, or above 0."""

    name = "time"
    _UNITS: ClassVar = {"ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "": 1.0}

    def __init__(self, zero: bool = False) -> None:
        self.zero = zero

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds; one that is a number already stays."""
        parts = re.fullmatch(r"(\d+(?:\.\d*)?|\.\d+)\s*([a-z]*)", str(value).strip().lower())
        seconds = float(parts[1]) * self._UNITS.get(parts[2], math.nan) if parts else math.nan
        if not (seconds > 0 or (self.zero and seconds == 0)):
            least = "" if self.zero else " above 0"
            self.fail(f"expected a time{least} such as 1s, 0.5s, 500ms or 1m. Received: {value}", param, ctx)
        return seconds


class Fraction(click.ParamType):  # type: ignore[type-arg]
    """A part of a whole, above 0 and up to `most`, as a decimal or as a fraction: 0.03, 4/255."""

    name = "part"

    def __init__(self, most: float = 1.0) -> None:
        self.most = most

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number; one that is a number already stays."""
        numerator, _, denominator = str(value).partition("/")
        try:
            part = float(numerator) / float(denominator or 1)
        except (ValueError, ZeroDivisionError):
            part = -1.0
        if not 0 < part <= self.most or math.isinf(part):
            limit = "" if math.isinf(self.most) else f" and up to {self.most:g}"
            self.fail(f"expected a part above 0{limit}, such as 4/255 or 0.03. Received: {value}", param, ctx)
        return part


def output_opt(
    what: str, default: str | None = None, required: bool | None = None, ending: str | None = None
) -> Callable[[F], F]:
    """-o/--output and --overwrite.

    what: the help text. default: shown. required: by default, when there is no default; a command that makes one up
    from its other arguments says False. ending: that the name of the file must have.
    """

    def named(ctx: click.Context, param: click.Parameter, value: Path | None) -> Path | None:
        if value is not None and ending and (value.suffix != ending or value.is_dir()):
            kind = "a folder" if value.is_dir() else value
            raise click.BadParameter(f"expected a file that ends in {ending}. Received: {kind}", ctx, param)
        return value

    def decorate(command: F) -> F:
        command = click.option("--overwrite", is_flag=True, help="Replace an output that exists.")(command)
        return click.option(
            "-o",
            "--output",
            type=click.Path(path_type=Path),
            default=default,
            show_default=default is not None,
            required=default is None if required is None else required,
            callback=named,
            help=what,
        )(command)

    return decorate


resume_opt = click.option(
    "--resume",
    is_flag=True,
    help="Continue an interrupted run; start when there is none, or with --overwrite also where it is another's.",
)


def claim(path: Path, overwrite: bool) -> None:
    """Have an output for this command alone until it ends.

    Raises `OutputExistsError` where it exists and may not be overwritten, and where another process is writing it.
    """
    click.get_current_context().with_resource(claims.claimed(path))
    files.refuse_existing(path, overwrite)


def split_opt(default: str = "val") -> Callable[[F], F]:
    """--split: which part of the dataset."""
    return click.option(
        "--split", type=click.Choice(SPLITS), default=default, show_default=True, help="Rows to work on."
    )


seed_opt = click.option(
    "--seed", type=click.IntRange(0, 2**32 - 1), default=0, show_default=True, help="Fixes everything random."
)
json_opt = click.option("--json", "as_json", is_flag=True, help="Print one JSON object on stdout; all else on stderr.")
quiet_opt = click.option("-q", "--quiet", is_flag=True, help="No tables and no progress.")
classes_opt = click.option(
    "--classes", metavar="NAME,NAME,...", help="Class names in output order, for a model that was not made by fer."
)
limit_opt = click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="At most N images per class and split, drawn by --seed."
)
batch_size_opt = click.option(
    "--batch-size", type=click.IntRange(1), default=128, show_default=True, help="Images a step."
)


def people_opts(command: F) -> F:
    """--detector, --detector-model, --detect-every and --smooth: finding people in frames, and following them."""
    for option in (
        click.option(
            "--smooth", type=Duration(zero=True), default="0.4s", show_default=True,
            help="Average a person's probabilities in a video over about this time; 0 for none.",
        ),
        click.option(
            "--detect-every", type=click.IntRange(1), default=10, show_default=True, metavar="N",
            help="Look for faces in one frame of N, and follow them in between.",
        ),
        click.option(
            "--detector-model", type=click.Path(path_type=Path), metavar="FILE",
            help="ONNX file of yunet.  [default: $FER_YUNET]",
        ),
        click.option(
            "--detector", type=click.Choice(tuple(catalog.DETECTORS)), default="mtcnn", show_default=True,
            help="What finds faces: mtcnn is accurate and tells where the head points, haar is quick; skip takes each "
            "picture or frame for one face.",
        ),
    ):  # fmt: skip
        command = option(command)
    return command


def common(command: F) -> F:
    """--seed, --json and -q, which every command has."""
    for option in (quiet_opt, json_opt, seed_opt):
        command = option(command)
    return command
