"""A small sound sample of each kind of file that `fer` reads, written below a folder."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import h5py
import numpy as np

from fer_cli import catalog
from fer_cli.faces.calibration import Calibration, write_calibrations
from fer_cli.labels import EMOTIONS
from tests import helpers, tiny
from tests.datasets.layouts import draw_faces, pixel_text, write_csv, write_fer2013, write_image, write_votes
from tests.datasets.trees import plant, text
from tests.faces.clips import write_clip
from tests.live.lectures import Sitting, write_viewer
from tests.live.streams import planted_frame, write_video

CLASSES = ("anger", "disgust", "fear", "happy", "sadness", "surprise")
#: Formats of `fer export`, and the names of files in them.
EXPORTS = (("onnx", "planted.onnx"), ("litert", "planted.tflite"))
USAGES = ["Training"] * 6 + ["PublicTest"] * 3 + ["PrivateTest"] * 3
#: Of a run that is stopped after one of two epochs.
TRAINING = ("--arch", "tiny", "--epochs", "2", "--batch-size", "35", "--warmup", "0", "--lr", "0.05", "-q")
#: A search whose trials are all complete.
TUNE = (
    "tune {sound}/faces.h5 --arch tiny --epochs 1 --trials 2 --space {in}/space.toml "
    "--storage journal:{in}/trials.journal -o {out}/x"
)


def plant_sound(folder: Path, exports: Sequence[tuple[str, str]] = EXPORTS) -> None:
    """What commands need besides the damaged file: a dataset, a picture, a clip, and models that name planted faces."""
    helpers.write_dataset(folder / "faces.h5", helpers.planted_records((35, 14, 14)))
    model = helpers.write_model(folder / "planted.keras")
    write_image(folder / "happy.png", planted_frame(3))
    write_video(folder / "faces.avi", [3] * 5)
    for form, name in exports:
        run("export", model, folder / "faces.h5", "--format", form, "-o", folder / name, "-q")
    classical(folder / "planted.skops")


def tiny_model(folder: Path) -> None:
    """An untrained network of the architecture `tiny`, for the faces of `plant_sound`."""
    from fer_cli.models import save_model

    shape = [helpers.SIDE, helpers.SIDE, 1]
    network = tiny.tiny((helpers.SIDE, helpers.SIDE, 1), len(EMOTIONS))
    save_model(network, folder / "m.keras", {"class_names": list(EMOTIONS), "input_shape": shape})


def classical(path: Path) -> None:
    from sklearn.pipeline import Pipeline

    from fer_cli.classical import pipelines
    from fer_cli.classical.features import parse
    from fer_cli.classical.model import ClassicalModel, save_classical

    records = helpers.planted_records((70, 0, 0))
    features = parse("pca:3")
    steps = pipelines.preparation(features.pca, len(records), 0)
    fitted = pipelines.classifier("svm-linear", 0, {}).fit(
        steps.fit_transform(features.compute(records.images)), records.labels
    )
    whole = Pipeline([*steps.steps, ("classifier", fitted)])
    save_classical(ClassicalModel(path, features, whole, 1.0, EMOTIONS, (helpers.SIDE, helpers.SIDE, 1), {}))


def run(*arguments: object) -> None:
    done = helpers.run_fer(*arguments)
    assert done.exit_code == 0, done.stderr


def fer2013_csv(folder: Path) -> None:
    write_fer2013(folder / "fer2013.csv", draw_faces(12), [i % 7 for i in range(12)], USAGES)
    rows = [
        (i % 7, f" {usage}", f" {pixel_text(face)}")
        for i, (usage, face) in enumerate(zip(USAGES, draw_faces(12), strict=True))
    ]
    write_csv(folder / "icml_face_data.csv", rows, ("emotion", " Usage", " pixels"))
    write_csv(
        folder / "train.csv", [(i % 7, pixel_text(face)) for i, face in enumerate(draw_faces(8))], ("emotion", "pixels")
    )


def ferplus(folder: Path) -> None:
    fer2013_csv(folder)
    write_votes(folder / "fer2013new.csv", USAGES, [{"happiness": 8, "neutral": 2}] * 12)


def fer2013_folder(folder: Path) -> None:
    names = [f"train/{name}/Training_{i}.jpg" for i, name in enumerate(EMOTIONS)]
    names += [
        f"test/{name}/{usage}_{i}.jpg" for i, name in enumerate(EMOTIONS) for usage in ("PublicTest", "PrivateTest")
    ]
    plant(folder / "fer2013", *names)


def fer2013_hdf5(folder: Path) -> None:
    with h5py.File(folder / "data.h5", "w") as file:
        for usage, count in (("Training", 6), ("PublicTest", 3), ("PrivateTest", 3)):
            file[f"{usage}_pixel"] = draw_faces(count).reshape(count, -1)
            file[f"{usage}_label"] = np.arange(count) % 7


def ckplus(folder: Path) -> None:
    for i in range(4):
        name = f"S{10 + i:03}_001"
        place = name.replace("_", "/")
        plant(folder / "CK+", *(f"cohn-kanade-images/{place}/{name}_{frame:08}.png" for frame in range(1, 5)))
        text(folder / "CK+" / f"Emotion/{place}/{name}_00000004_emotion.txt", f"   {i + 1}.0000000e+00\n")


def ckplus48(folder: Path) -> None:
    plant(folder / "CK+48", *(f"{name}/S{i + 10:03}_001_{f:08}.png" for i, name in enumerate(CLASSES) for f in (1, 2)))


def jaffe(folder: Path) -> None:
    plant(folder / "jaffe", *(f"KA.{code}{i}.{39 + i}.tiff" for i in (1, 2) for code in ("AN", "DI", "FE", "HA", "NE")))


def kdef(folder: Path) -> None:
    people = ("AF01", "BF01", "AM35")
    plant(
        folder / "KDEF", *(f"{p}/{p}{code}S.JPG" for p in people for code in ("AN", "HA", "NES"[:2], "SU")), color=True
    )


def expw(folder: Path) -> None:
    plant(folder / "ExpW", *(f"image/origin/a_{i}.jpg" for i in range(6)))
    lines = [f"a_{i % 6}.jpg {i // 6} 2 3 {30 + i} {32 + i} 50.{i} {i % 7}" for i in range(9)]
    text(folder / "ExpW/label/label.lst", "\n".join(lines) + "\n")


def affectnet_csv(folder: Path) -> None:
    header = [
        "subDirectory_filePath",
        "face_x",
        "face_y",
        "face_width",
        "face_height",
        "facial_landmarks",
        "expression",
    ]
    names = [f"{i % 2}/{i:04x}.jpg" for i in range(9)]
    plant(folder / "AffectNet" / "Manually_Annotated_Images", *names, color=True)
    rows = [(name, 2, 3, 30, 28, "1.5;2.5;3.5;4.5", i % 11, i / 10, -i / 10) for i, name in enumerate(names)]
    lists = folder / "AffectNet" / "Manually_Annotated_file_lists"
    lists.mkdir()
    write_csv(lists / "training.csv", rows[:6], [*header, "valence", "arousal"])
    write_csv(lists / "validation.csv", rows[6:], [*header, "valence", "arousal"])


def affectnet_folder(folder: Path) -> None:
    for i in range(6):
        root = folder / "AffectNet" / ("val_set" if i == 5 else "train_set")
        plant(root, f"images/{i}.jpg", color=True)
        (root / "annotations").mkdir(exist_ok=True)
        for kind, value in {"exp": str(i), "val": "0.25", "aro": -0.5, "lnd": np.zeros(136)}.items():
            np.save(root / "annotations" / f"{i}_{kind}.npy", np.array(value))


def rafdb(folder: Path) -> None:
    root = folder / "RAF-DB" / "basic"
    names = [*(f"train_{i:05}" for i in range(1, 7)), "test_0001", "test_0002"]
    plant(root, *(f"Image/aligned/{name}_aligned.jpg" for name in names), color=True)
    text(
        root / "EmoLabel/list_patition_label.txt", "".join(f"{name}.jpg {i % 7 + 1}\n" for i, name in enumerate(names))
    )
    for i, name in enumerate(names):
        points = "\n".join(f"{20.5 + k}\t{30.25 + k}" for k in range(5))
        text(root / f"Annotation/manual/{name}_manu_attri.txt", f"{points}\n{i % 3}\n{i % 3}\n{i % 5}\n")


def image_folder(folder: Path) -> None:
    endings = ("png", "jpg", "bmp", "tiff", "webp", "pgm")
    plant(folder / "faces", *(f"train/{name}/{i}.{endings[i]}" for i, name in enumerate(CLASSES)))


def dataset(folder: Path) -> None:
    helpers.write_dataset(folder / "faces.h5", helpers.planted_records((14, 7, 7)))
    decisions(folder)


def pictures(folder: Path) -> None:
    folder.joinpath("pictures").mkdir()
    for ending in ("png", "jpg", "bmp", "tiff", "webp", "ppm", "jp2"):
        write_image(folder / "pictures" / f"a.{ending}", planted_frame(3))


def videos(folder: Path) -> None:
    frames = [planted_frame(i % 7) for i in range(12)]
    for name in ("a.avi", "a.mp4", "a.mkv"):
        write_clip(folder / name, frames)


def logs(folder: Path) -> None:
    for seed, name in enumerate(("ada", "bo", "cy")):
        write_viewer(folder / f"{name}.csv", seed, Sitting(end=60.0, every=2.0))


def decisions(folder: Path) -> None:
    records = helpers.planted_records((14, 7, 7))
    given = [EMOTIONS[label] for label in records.labels]
    decisions = ("accept", "reject", "correct", "drop")
    with (folder / "decisions.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("source", "given", "decision", "label"))
        for i, decision in enumerate(decisions):
            label = {"reject": given[i], "drop": ""}.get(decision, "happy" if given[i] != "happy" else "sad")
            writer.writerow((records.source[i], given[i], decision, label))


def results(folder: Path) -> None:
    sound = folder.parent / "sound"
    for name, model in (("a", "planted.onnx"), ("b", "planted.skops")):
        run("eval", sound / model, sound / "faces.h5", "-o", folder / name, "-q")
    run("eda", sound / "faces.h5", "-o", folder / "eda", "-q")
    logs(folder)
    run("aggregate", folder / "ada.csv", folder / "bo.csv", "-o", folder / "lecture", "-q")
    run("noise", sound / "planted.onnx", sound / "faces.h5", "--kind", "fog", "-o", folder / "noise", "-q")


def published(folder: Path) -> None:
    run("eval", folder.parent / "sound/planted.onnx", folder.parent / "sound/faces.h5", "-o", folder / "a", "-q")
    header = ("name", "accuracy", "source", "model", "dataset", "split", "n", "macro_f1", "protocol")
    rows = [
        ("a", 0.72, "a paper", "net", "faces", "val", 14, 0.7, "once"),
        ("a*", 0.5, "another", "", "", "", "", "", ""),
    ]
    write_csv(folder / "published.csv", rows, header)


def space(folder: Path) -> None:
    space = (
        "lr = { choices = [1e-7, 0.05] }",
        "batch-size = { low = 7, high = 14, step = 7 }",
        'optimizer = { choices = ["sgd"] }',
    )
    text(folder / "space.toml", "\n".join(space))
    text(folder / "grid.toml", 'C = [1, 10]\ngamma = ["scale", 0.1]\n')


def trials(folder: Path) -> None:
    from fer_cli import framework

    framework.load()
    from fer_cli.training import fit
    from tests.commands.test_tune import planted_training

    space(folder)
    with mock.patch.object(fit, "train", planted_training), _tiny():
        run(*arguments(TUNE, folder, folder / "done"))


def calibration(folder: Path) -> None:
    write_calibrations(folder / "people.json", {"viewer": Calibration(yaw=3.0), "anna": Calibration()})


def checkpoint(folder: Path) -> None:
    from fer_cli import framework

    framework.load()
    from fer_cli.training.callbacks import EpochEnd

    end = EpochEnd.on_epoch_end

    def stop(self: Any, epoch: int, logs: dict[str, Any] | None = None) -> None:
        end(self, epoch, logs)
        raise KeyboardInterrupt

    with mock.patch.object(EpochEnd, "on_epoch_end", stop), _tiny():
        done = helpers.run_fer("train", folder.parent / "sound/faces.h5", *TRAINING, "-o", folder / "net.keras")
    assert done.exit_code == 130, done.stderr


def _tiny() -> Any:
    return mock.patch.dict(catalog.ARCHITECTURES, tiny=tiny.REFERENCE)


def copy(folder: Path, name: str, new: str) -> None:
    """One of the sound models under another name."""
    (folder / new).write_bytes((folder.parent / "sound" / name).read_bytes())


def arguments(command: str, sample: Path, output: Path) -> list[str]:
    """The words of a command of a format; the sound models lie beside the folder of the sample."""
    places = {"{in}": sample, "{out}": output, "{sound}": sample.parent / "sound"}
    words = []
    for word in command.split():
        for name, place in places.items():
            word = word.replace(name, str(place))
        words.append(word)
    return words
