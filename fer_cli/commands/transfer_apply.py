"""`fer transfer apply`: give faces of a dataset, of pictures and of videos another expression, and have it judged."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fer_cli import catalog, files, options, provenance
from fer_cli.errors import InputError, UsageError

if TYPE_CHECKING:
    from fer_cli.analysis.translation.base import Target
    from fer_cli.analysis.translation.judge import Verdict
    from fer_cli.analysis.translation.trial import Faces, Observer
    from fer_cli.reports.terminal import Terminal
    from fer_cli.translation.choose import Chosen

#: The dataset of translated faces among the results.
TRANSLATED = "translated.h5"


@click.command()
@click.argument(
    "sources", nargs=-1, required=True, metavar="[GENERATOR] SOURCE...", shell_complete=options.suggest(paths=True)
)
@click.option(
    "--to",
    multiple=True,
    metavar="CLASS",
    shell_complete=options.suggest_class,
    help="The wanted emotion; may be repeated.",
)
@click.option(
    "--like",
    metavar="PICTURE",
    type=click.Path(path_type=Path),
    help="Take the expression of the face in this picture, as --model sees it.",
)
@click.option("--all", "every", is_flag=True, help="All emotions, side by side on a sheet.")
@click.option(
    "--strength",
    type=click.FloatRange(0, 1.5),
    default=1.0,
    show_default=True,
    help="0 changes nothing, more than 1 exaggerates.",
)
@click.option(
    "--method",
    type=click.Choice(("generator", "optimize", "redraw")),
    default="generator",
    show_default=True,
    help="optimize and redraw need no GENERATOR: the one changes each face until --model sees the emotion, the other "
    "draws faces of fer prepare synthetic anew, which is what a perfect generator would do.",
)
@click.option("--model", metavar="MODEL.keras", type=click.Path(path_type=Path), help="For --like and optimize.")
@click.option(
    "--reference",
    metavar="DATASET",
    type=click.Path(path_type=Path),
    help="Faces whose mean features guide optimize.  [default: the train rows of SOURCE, where it is a dataset]",
)
@click.option(
    "--judge",
    metavar="MODEL",
    type=click.Path(path_type=Path),
    help="A classifier trained apart from all this, which says what became of the faces.",
)
@click.option(
    "--identity",
    metavar="learn|hog|none|FILE.keras",
    shell_complete=options.suggest("learn", "hog", "none", paths=True),
    help="How the judge tells persons apart: by a network that learns the persons of the train rows, by gradients of "
    "the picture, not at all, or by a file's layer `embedding`.  [default: learn, or hog where no persons are named]",
)
@options.split_opt()
@options.limit_opt
@click.option(
    "--detector",
    type=click.Choice(tuple(catalog.DETECTORS)),
    default="mtcnn",
    show_default=True,
    help="What finds the faces in pictures and videos.",
)
@click.option(
    "--margin",
    type=click.FloatRange(0, 2),
    default=0.0,
    show_default=True,
    metavar="X",
    help="Part of the face's side added around it, as when GENERATOR's faces were prepared.",
)
@options.batch_size_opt
@options.output_opt("Folder for the results.  [default: results/transfer-SOURCE]", required=False)
@options.common
def command(
    sources: tuple[str, ...], output: Path | None, overwrite: bool, as_json: bool, quiet: bool, **asked: Any
) -> None:
    """Give the faces of SOURCE another expression.

    SOURCE is a dataset file, whose translated rows come as a dataset again, or any number of pictures, folders of them,
    and videos: there faces are found, translated, and put back with soft edges. The folder holds the translations,
    result.json, a sheet and, with --judge, what the judge says of each: a hit is a face that it takes for the wanted
    emotion. Of datasets it also says whether persons stay themselves, what changed outside the mask, and how real the
    faces are.

    Transfer learning, which is to start a classifier from another's weights, is fer train --init WEIGHTS --freeze PART.
    """
    from fer_cli.reports import translation_view
    from fer_cli.reports.terminal import Terminal

    generator, rest = _divide(sources, asked)
    output = output or Path("results", f"transfer-{Path(rest[0]).stem}")
    options.claim(output, overwrite)
    terminal = Terminal(as_json, quiet)
    dataset = next((Path(source) for source in rest if Path(source).suffix in options.DATASET_ENDINGS), None)
    if dataset is None:
        record = _translate_media(generator, rest, asked, output, terminal)
    else:
        record = _translate_dataset(generator, options.existing_dataset(dataset), asked, output, terminal)
    translation_view.show(terminal, record["results"])
    terminal.log(f"results in {output}")
    terminal.finish(record)


def _divide(sources: Sequence[str], asked: dict[str, Any]) -> tuple[Path | None, list[str]]:
    """GENERATOR, where one is needed, and the SOURCEs; `UsageError` for what does not go together."""
    generators = [Path(source) for source in sources if source.endswith(".keras")]
    rest = [source for source in sources if not source.endswith(".keras")]
    datasets = [source for source in rest if Path(source).suffix in options.DATASET_ENDINGS]
    if sum((bool(asked["to"]), bool(asked["like"]), asked["every"])) != 1:
        raise UsageError("expected one of --to CLASS, --like PICTURE and --all")
    if (count := len(generators)) != (wanted := int(asked["method"] == "generator")):
        what = "one GENERATOR.keras" if wanted else f"no GENERATOR, which --method {asked['method']} does not use"
        raise UsageError(f"expected {what}. Received: {count}")
    if not rest or (datasets and len(rest) > 1):
        raise UsageError(
            f"expected one dataset, or pictures and videos, as SOURCE. Received: {', '.join(rest) or 'none'}"
        )
    if asked["model"] is None and (asked["like"] or asked["method"] == "optimize"):
        raise UsageError("--like and --method optimize need a classifier: name it with --model")
    if asked["model"] and not asked["like"] and asked["method"] != "optimize":
        raise UsageError("--model says what --like or --method optimize goes by: expected one of them")
    if asked["reference"] and asked["method"] != "optimize":
        raise UsageError(f"--reference guides optimize; --method {asked['method']} takes nothing from other faces")
    if asked["identity"] and not (asked["judge"] and datasets):
        raise UsageError(
            "--identity is how the judge tells the persons of a dataset apart: expected --judge and a dataset"
        )
    return (generators[0] if generators else None), rest


def _translate_dataset(
    generator: Path | None, path: Path, asked: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    """Translate, judge and write the rows of a dataset; the record."""
    from fer_cli import framework
    from fer_cli.reports import translation_files
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.analysis.translation.save import choose_examples, saving
    from fer_cli.analysis.translation.trial import choose_faces
    from fer_cli.translation import persons
    from fer_cli.translation.choose import choose
    from fer_cli.translation.results import dataset_results

    with contextlib.ExitStack() as stack:
        dataset = stack.enter_context(open_dataset(path))
        reference = stack.enter_context(open_dataset(asked["reference"])) if asked["reference"] else dataset
        asked = {**asked, "identity": asked["identity"] or persons.usual(dataset)}
        chosen = choose(generator, asked, reference)
        faces = choose_faces(dataset, asked["split"], asked["limit"], asked["seed"])
        targets = chosen.targets(dataset.class_names)
        examples = choose_examples(faces, asked["seed"])
        folder = stack.enter_context(files.atomic_folder(output))
        with saving(folder / TRANSLATED, faces, targets) as saver:
            verdict = _judge(chosen, faces, targets, [examples, saver], folder, terminal)
            results = dataset_results(chosen, faces, targets, verdict)
            translation_files.write_rows(faces, targets, examples, verdict, results, folder)
            results["files"] = sorted([*(file.name for file in folder.iterdir() if file.suffix != ".h5"), TRANSLATED])
            record = provenance.record("transfer apply", [*chosen.inputs(), path], _parameters(asked), results)
            saver.finish(record, {"targets": [target.name for target in targets], "strength": asked["strength"]})
        files.write_json(folder / provenance.RESULT, record)
    return record


def _judge(
    chosen: Chosen,
    faces: Faces,
    targets: Sequence[Target],
    observers: Sequence[Observer],
    folder: Path,
    terminal: Terminal,
) -> Verdict | None:
    """Show every translation to the observers, and to the judges where --judge names one."""
    from fer_cli.analysis.translation.judge import Verdict
    from fer_cli.analysis.translation.trial import measure, translations
    from fer_cli.translation import persons

    asked, judge = chosen.asked, chosen.judge
    size, strength, seed = asked["batch_size"], asked["strength"], asked["seed"]
    embedder = None
    if judge:
        how, progress = asked["identity"], terminal.progress
        embedder = persons.embedder(how, faces.dataset, folder, seed, progress, terminal.log)
    with terminal.progress("translations", len(faces) * len(targets)) as advance:
        if judge is None:
            for block in translations(chosen.translator, faces, targets, strength, size):
                for observe in observers:
                    observe(block)
                advance(len(block.places))
            return None
        trial = measure(chosen.translator, judge, faces, targets, strength, embedder, size, observers, advance)
    return Verdict(trial, judge, seed)


def _translate_media(
    generator: Path | None, sources: Sequence[str], asked: dict[str, Any], output: Path, terminal: Terminal
) -> dict[str, Any]:
    """Translate the faces of pictures and videos; the record."""
    from fer_cli import framework
    from fer_cli.faces.media import expand
    from fer_cli.reports import translation_files
    from fer_cli.store.reader import open_dataset

    framework.load()
    from fer_cli.translation.choose import choose
    from fer_cli.translation.media import translate_files
    from fer_cli.translation.results import media_results

    paths = expand(sources)
    with contextlib.ExitStack() as stack:
        reference = stack.enter_context(open_dataset(asked["reference"])) if asked["reference"] else None
        chosen = choose(generator, asked, reference)
    names = chosen.translator.class_names
    targets = chosen.targets(names)
    with files.atomic_folder(output) as folder:
        with terminal.progress("pictures and frames") as advance:
            seen, without = translate_files(paths, chosen.media(targets, asked), folder, advance)
        if not seen:
            raise InputError(f"{', '.join(map(str, paths[:3]))}: {asked['detector']} found no face")
        results = media_results(chosen, seen, without, targets)
        translation_files.write_media(seen, targets, names, folder)
        results["files"] = sorted(file.name for file in folder.iterdir())
        record = provenance.record("transfer apply", [*chosen.inputs(), *paths], _parameters(asked), results)
        files.write_json(folder / provenance.RESULT, record)
    return record


def _parameters(asked: dict[str, Any]) -> dict[str, Any]:
    return {key: str(value) if isinstance(value, Path) else value for key, value in asked.items()}
