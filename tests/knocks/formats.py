"""What `fer` reads: for each format a sample, its files that may be damaged, and the commands that read it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests import helpers
from tests.knocks import plants
from tests.translation.planted import write_generator


@dataclass(frozen=True)
class Format:
    """A kind of input.

    plant: writes a sound sample below a folder. damaged: patterns of the files there that may be damaged.
    commands: what reads it, one for one input, the next for the next; `{in}` is the sample's folder, `{out}` an empty
    one, `{sound}` one with models and a dataset. inputs: how many are damaged in a full run. kept: what may be left in
    `{out}` by a failure, for it is written as it goes. sound: whether it needs `{sound}`.
    refused: whether the commands refuse something else in the end, lest they take long.
    """

    name: str
    plant: Callable[[Path], object]
    damaged: tuple[str, ...]
    commands: tuple[str, ...]
    inputs: int
    kept: frozenset[str] = frozenset()
    sound: bool = True
    refused: bool = False


_PREPARE = "prepare {in}/%s -o {out}/x.h5"
_VOTES = "prepare {in}/fer2013.csv --votes {in}/fer2013new.csv --votes-mode %s -o {out}/x.h5"
_SOUND = "--model {sound}/planted.onnx --detector skip"
_PREDICT = "predict {sound}/happy.png --model {in}/%s --detector skip -o {out}/x.csv"
_EVAL = "eval {in}/%s {sound}/faces.h5 -o {out}/x"
_APPLY = "worst-labels {in}/faces.h5 --apply {in}/decisions.csv -o {out}/x.h5"
_REPORT = "report {in} -o {out}/x.html"
_COMPARE = "compare {in}/a {in}/b -o {out}/x"


def _raw(name: str, plant: Callable[[Path], object], tree: str, inputs: int, *more: str) -> Format:
    """A folder of pictures; every second run reads on where it can."""
    prepare = _PREPARE % tree + " --size 48 --color gray"
    return Format(name, plant, (f"{tree}/**/*",), (prepare, f"{prepare} --skip-bad", *more), inputs)


#: What data sets come as; `fer prepare` needs nothing else.
_RAW = (
    Format(
        "fer2013 csv",
        plants.fer2013_csv,
        ("fer2013.csv",),
        (_PREPARE % "fer2013.csv", _PREPARE % "fer2013.csv --drop-duplicates"),
        170,
    ),
    Format("icml csv", plants.fer2013_csv, ("icml_face_data.csv",), (_PREPARE % "icml_face_data.csv",), 50),
    Format("kaggle csv", plants.fer2013_csv, ("train.csv",), (_PREPARE % "train.csv --val-fraction 0.3",), 50),
    Format(
        "ferplus csv",
        plants.ferplus,
        ("fer2013new.csv",),
        tuple(_VOTES % mode for mode in ("majority", "argmax", "soft")),
        140,
    ),
    Format("fer2013 hdf5", plants.fer2013_hdf5, ("data.h5",), (_PREPARE % "data.h5",), 120),
    _raw("fer2013 folder", plants.fer2013_folder, "fer2013", 80),
    _raw("ck+", plants.ckplus, "CK+", 90, _PREPARE % "CK+ --neutral-first --split subject:1/2"),
    _raw("ck+48", plants.ckplus48, "CK+48", 50),
    _raw("jaffe", plants.jaffe, "jaffe", 50, _PREPARE % "jaffe --format jaffe"),
    _raw("kdef", plants.kdef, "KDEF", 50),
    _raw("expw", plants.expw, "ExpW", 60),
    Format(
        "expw list",
        plants.expw,
        ("ExpW/label/*",),
        (_PREPARE % "ExpW --size 48", _PREPARE % "ExpW --size 48 --skip-bad"),
        70,
    ),
    _raw("affectnet csv", plants.affectnet_csv, "AffectNet", 50),
    Format(
        "affectnet lists",
        plants.affectnet_csv,
        ("AffectNet/*lists/*",),
        (_PREPARE % "AffectNet --size 48", _PREPARE % "AffectNet --size 48 --skip-bad"),
        70,
    ),
    _raw("affectnet folder", plants.affectnet_folder, "AffectNet", 60),
    Format(
        "affectnet npy",
        plants.affectnet_folder,
        ("AffectNet/**/*.npy",),
        (_PREPARE % "AffectNet", _PREPARE % "AffectNet --skip-bad"),
        60,
    ),
    _raw("raf-db", plants.rafdb, "RAF-DB", 60),
    Format(
        "raf-db labels", plants.rafdb, ("RAF-DB/**/*.txt",), (_PREPARE % "RAF-DB", _PREPARE % "RAF-DB --skip-bad"), 60
    ),
    _raw(
        "image folder",
        plants.image_folder,
        "faces",
        60,
        _PREPARE % "faces --size 48 --color gray --crop face --detector haar" + " --no-face keep",
    ),
)

#: Dataset files, and what is decided about their rows.
_DATASETS = (
    Format(
        "dataset h5",
        plants.dataset,
        ("faces.h5",),
        (
            _PREPARE % "faces.h5",
            "augment {in}/faces.h5 -o {out}/x.h5 --factor 2 --policy light",
            _APPLY,
            "report {in}/faces.h5 -o {out}/x.html",
        ),
        200,
        sound=False,
    ),
    Format("decisions csv", plants.dataset, ("decisions.csv",), (_APPLY,), 70, sound=False),
    Format(
        "dataset scored", plants.dataset, ("faces.h5",), ("eval {sound}/planted.onnx {in}/faces.h5 -o {out}/x",), 40
    ),
)

#: Models of every kind, and a run that was stopped.
_MODELS = (
    Format(
        "keras model",
        lambda folder: helpers.write_model(folder / "m.keras"),
        ("m.keras",),
        (_PREDICT % "m.keras", _EVAL % "m.keras", _PREDICT % "m.keras"),
        110,
    ),
    Format(
        "keras weights",
        plants.tiny_model,
        ("m.keras",),
        ("train {sound}/faces.h5 --arch tiny --epochs 1 --init {in}/m.keras -o {out}/x.keras",),
        20,
    ),
    Format(
        "skops model",
        lambda folder: plants.copy(folder, "planted.skops", "m.skops"),
        ("m.skops",),
        (_PREDICT % "m.skops", _EVAL % "m.skops"),
        110,
    ),
    Format(
        "onnx model",
        lambda folder: plants.copy(folder, "planted.onnx", "m.onnx"),
        ("m.onnx",),
        (_PREDICT % "m.onnx",),
        90,
    ),
    Format(
        "litert model",
        lambda folder: plants.copy(folder, "planted.tflite", "m.tflite"),
        ("m.tflite",),
        (_PREDICT % "m.tflite",),
        90,
    ),
    Format(
        "generator",
        lambda folder: write_generator(folder / "g.keras"),
        ("g.keras",),
        ("transfer apply {in}/g.keras {sound}/happy.png --to sad --detector skip -o {out}/x",),
        40,
    ),
    Format(
        "checkpoint",
        plants.checkpoint,
        ("net.training/checkpoint.npz",),
        (f"train {{sound}}/faces.h5 {' '.join(plants.TRAINING)} -o {{in}}/net.keras --resume",),
        40,
    ),
)

#: Pictures, videos, and what is known of persons.
_MEDIA = (
    Format(
        "picture",
        plants.pictures,
        ("pictures/*",),
        (
            "predict {in}/pictures -o {out}/x.csv " + _SOUND,
            "predict {in}/pictures --model {sound}/planted.onnx --detector haar --annotate {out}/x",
        ),
        110,
    ),
    *(
        Format(
            f"{kind} video",
            plants.videos,
            (f"a.{kind}",),
            (
                f"predict {{in}}/a.{kind} -o {{out}}/x.csv {_SOUND}",
                f"webcam --source {{in}}/a.{kind} --headless --log {{out}}/log.csv -q {_SOUND}",
            ),
            35,
            frozenset({"log.csv"}),
        )
        for kind in ("avi", "mp4", "mkv")
    ),
    Format(
        "calibration",
        plants.calibration,
        ("people.json",),
        ("webcam --source {sound}/faces.avi --headless --calibration {in}/people.json -q " + _SOUND,),
        30,
    ),
)

#: Tables, records and settings.
_RECORDS = (
    Format("viewer log", plants.logs, ("*.csv",), ("aggregate {in}/ada.csv {in}/bo.csv {in}/cy.csv -o {out}/x",), 60),
    Format("result json", plants.results, ("*/result.json",), (_REPORT, _COMPARE, _REPORT), 90),
    Format("predictions csv", plants.results, ("?/predictions.csv",), (_COMPARE,), 30),
    Format(
        "published csv",
        plants.published,
        ("published.csv",),
        ("compare {in}/a --published {in}/published.csv -o {out}/x",),
        40,
    ),
    Format(
        "search space",
        plants.space,
        ("space.toml",),
        ("tune {sound}/faces.h5 --arch tiny --space {in}/space.toml --storage : -o {out}/x",),
        40,
        refused=True,
    ),
    Format(
        "grid",
        plants.space,
        ("grid.toml",),
        ("svm {sound}/faces.h5 --features pca:2 --folds 2 --jobs 1 --grid {in}/grid.toml -o {out}/x",),
        30,
    ),
    Format("trials", plants.trials, ("trials.journal",), (plants.TUNE,), 20, frozenset({"trials.journal"})),
)

FORMATS: dict[str, Format] = {
    form.name: form
    for form in (*(replace(form, sound=False) for form in _RAW), *_DATASETS, *_MODELS, *_MEDIA, *_RECORDS)
}


def files_of(folder: Path, form: Format) -> Sequence[Path]:
    """The files of a planted sample that may be damaged, in a fixed order."""
    return sorted({path for pattern in form.damaged for path in folder.glob(pattern) if path.is_file()})
