import json
import resource
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from fer_cli.datasets.audit import digests
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.choose import Selection
from fer_cli.labels import EMOTIONS, EMOTIONS_8
from fer_cli.store.reader import open_dataset
from tests.commands.conftest import Prepare
from tests.datasets.layouts import draw_faces, pixel_text, write_csv, write_fer2013, write_image, write_votes
from tests.helpers import run_fer

USAGES = ["Training"] * 21 + ["PublicTest"] * 7 + ["PrivateTest"] * 7
FACES = draw_faces(35)
# One image of train is also in val, and two rows of train are alike but for their labels.
FACES[21], FACES[5] = FACES[3], FACES[4]


@pytest.fixture
def csv(tmp_path: Path) -> Path:
    """fer2013.csv of `FACES`, the classes in turn."""
    return write_fer2013(tmp_path / "fer2013.csv", FACES, [i % 7 for i in range(35)], USAGES)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder of 40 happy and 20 sad faces, without splits."""
    for i, face in enumerate(draw_faces(60)):
        write_image(tmp_path / "faces" / ("sad" if i % 3 == 0 else "happy") / f"{i:02}.png", face)
    return tmp_path / "faces"


def test_the_default_output_shows_table_and_duplicates(csv: Path) -> None:
    result = run_fer("prepare", csv)
    assert result.exit_code == 0, result.stderr
    lines = [line.replace("│", " ").split() for line in result.stdout.splitlines()]
    assert ["angry", "3", "1", "1", "5"] in lines
    assert ["all", "21", "7", "7", "35"] in lines
    assert ["train", "earlier", "in", "train", "1", "1"] in lines
    assert ["val", "in", "train", "1", "1"] in lines
    assert "2 images stand more than once, 2 of them with different labels" in result.stderr
    with open_dataset(Path("data/fer2013.h5")) as dataset:
        assert dataset.class_names == EMOTIONS
        assert dataset.image_shape == (48, 48, 1)
        assert np.array_equal(dataset.images(None).take(range(35)), FACES)
        assert dataset.table().sum(0).tolist() == [21, 7, 7]
        assert dataset.transforms == []


def test_json_is_one_object_and_is_kept_in_the_file(csv: Path) -> None:
    result = run_fer("prepare", csv, "--json", "--seed", "5", "-o", "out.h5")
    record = json.loads(result.stdout)
    assert "happy" in result.stderr
    assert record["command"] == "prepare"
    assert record["inputs"][0]["path"] == str(csv)
    assert record["parameters"]["seed"] == 5
    assert record["results"]["table"]["happy"] == {"train": 3, "val": 1, "test": 1}
    assert record["results"]["duplicates"] == {
        "images": 2,
        "conflicting": 2,
        "repeated": {"train": 1, "val": 0, "test": 0},
        "shared": {"val": {"train": 1}, "test": {"train": 0, "val": 0}},
    }
    with open_dataset(Path("out.h5")) as dataset:
        assert dataset.provenance == record


def test_the_options_agree_with_the_library() -> None:
    from fer_cli.commands.prepare import command
    from fer_cli.datasets import nearby, parallel, splits

    found = {option.name: option for option in command.params}
    assert found["backend"].type.choices == tuple(parallel.BACKENDS)
    assert found["near"].default == nearby.DISTANCE
    assert found["folds"].type.max == splits.MOST_FOLDS
    assert set(ReadOptions.__dataclass_fields__) | set(Selection.__dataclass_fields__) <= set(found)


def test_quiet_says_nothing(csv: Path) -> None:
    result = run_fer("prepare", csv, "-q")
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_drop_duplicates_drops_training_rows_only(csv: Path, prepare: Prepare) -> None:
    dataset = prepare(csv, "--drop-duplicates")
    assert dataset.table().sum(0).tolist() == [19, 7, 7]
    assert dataset.provenance["results"]["dropped"] == {"duplicates": 2}
    assert dataset.provenance["results"]["duplicates"]["images"] == 0
    assert not {"fer2013.csv:5", "fer2013.csv:7"} & set(dataset.sources("train"))


def test_keep_train_drops_the_rows_of_val_instead(csv: Path, prepare: Prepare) -> None:
    dataset = prepare(csv, "--drop-duplicates", "exact", "--keep", "train")
    assert dataset.table().sum(0).tolist() == [20, 6, 7]
    assert not {"fer2013.csv:7", "fer2013.csv:23"} & set(dataset.sources(None))


def test_val_fraction_makes_a_val_split(tree: Path, prepare: Prepare) -> None:
    dataset = prepare(tree, "--val-fraction", "0.2")
    assert dataset.class_names == ("happy", "sad")
    assert dataset.table().tolist() == [[32, 8, 0], [16, 4, 0]]


def test_val_fraction_keeps_identical_images_on_one_side(tree: Path, prepare: Prepare) -> None:
    for path in sorted(tree.rglob("*.png")):
        (path.parent / f"copy_{path.name}").write_bytes(path.read_bytes())
    dataset = prepare(tree, "--val-fraction", "0.3")
    train, val = (set(digests(dataset.images(s).take(range(dataset.count(s))))) for s in ("train", "val"))
    assert val
    assert not train & val


def test_val_fraction_leaves_an_official_val_split_alone(csv: Path) -> None:
    result = run_fer("prepare", csv, "--val-fraction", "0.5", "--json", "-o", "out.h5")
    assert json.loads(result.stdout)["results"]["table"]["sad"]["val"] == 1
    assert "--val-fraction is not used" in result.stderr


def test_a_source_without_val_split_gets_a_hint(tree: Path) -> None:
    assert "there is no val split; --val-fraction 0.1 makes one" in run_fer("prepare", tree).stderr


def test_size_and_color(csv: Path, prepare: Prepare) -> None:
    dataset = prepare(csv, "--size", "24", "--color", "rgb")
    assert dataset.image_shape == (24, 24, 3)
    assert dataset.transforms == [{"name": "adapt", "shape": [24, 24, 3]}]
    first = dataset.images("train").take([0])[0].astype(int)
    averages = FACES[0].reshape(24, 2, 24, 2).mean((1, 3))
    assert np.abs(first - averages[..., None]).max() <= 0.5


def test_limit(tree: Path, prepare: Prepare) -> None:
    dataset = prepare(tree, "--limit", "5", "--val-fraction", "0.2")
    assert dataset.table().tolist() == [[5, 5, 0], [5, 4, 0]]
    assert dataset.provenance["results"]["dropped"] == {"limit": 41}


def test_votes(tmp_path: Path, csv: Path, prepare: Prepare) -> None:
    votes = write_votes(tmp_path / "votes.csv", USAGES, [{"contempt": 10}] * 20 + [{"NF": 10}] + [{"fear": 6}] * 14)
    dataset = prepare(csv, "--votes", votes)
    assert dataset.class_names == EMOTIONS_8
    assert dataset.count("train") == 20
    assert (dataset.votes("val")[:, EMOTIONS_8.index("fear")] == 1).all()
    assert dataset.attribute_values("fer2013_label") == EMOTIONS
    assert "FER+ majority: 20 of 21 Training rows are kept" in dataset.provenance["results"]["notes"]


def test_dataset_files_are_sources_too(csv: Path, prepare: Prepare) -> None:
    run_fer("prepare", csv, "--size", "32", "-o", "first.h5")
    dataset = prepare("first.h5", "--size", "16")
    assert dataset.image_shape == (16, 16, 1)
    assert [step["shape"] for step in dataset.transforms] == [[32, 32, 1], [16, 16, 1]]
    assert dataset.sources("test")[0] == "fer2013.csv:30"


def test_synthetic_faces(prepare: Prepare) -> None:
    dataset = prepare("synthetic", "--count", "60", "--size", "32")
    assert len(dataset) == 60
    assert dataset.image_shape[:2] == (32, 32)
    assert dataset.subjects("train")


def test_unreadable_images_are_named_or_skipped(tree: Path, prepare: Prepare) -> None:
    (tree / "happy" / "01.png").write_bytes(b"torn")
    result = run_fer("prepare", tree, "-o", "out/a.h5")
    assert result.exit_code == 3
    assert "01.png: not a readable image (4 bytes); --skip-bad leaves such files out" in result.stderr
    assert not Path("out").exists()
    dataset = prepare(tree, "--skip-bad")
    assert len(dataset) == 59
    assert "01.png: not a readable image" in dataset.provenance["results"]["passed_over"][0]


def test_an_output_is_not_replaced_by_accident_nor_by_a_failure(csv: Path) -> None:
    Path("out.h5").write_text("precious")
    result = run_fer("prepare", csv, "-o", "out.h5")
    assert result.exit_code == 4
    assert "out.h5 exists" in result.stderr
    with csv.open("a") as stream:
        stream.write("0,1 2 3,Training\n")
    assert run_fer("prepare", csv, "-o", "out.h5", "--overwrite").exit_code == 3
    assert Path("out.h5").read_text() == "precious"


ROW = (0, pixel_text(FACES[0]), "Training")


def broken_csv(row: tuple[object, ...]) -> Callable[[Path], Path]:
    return lambda folder: write_csv(folder / "a.csv", [ROW, row])


def file_of(name: str, content: bytes) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (folder / name).write_bytes(content)
        return folder / name

    return write


def foreign_hdf5(folder: Path) -> Path:
    with h5py.File(folder / "a.h5", "w") as file:
        file["weights"] = [1.0]
    return folder / "a.h5"


def torn_hdf5(folder: Path) -> Path:
    whole = foreign_hdf5(folder)
    whole.write_bytes(whole.read_bytes()[:-100])
    return whole


def empty_folder(folder: Path) -> Path:
    (folder / "faces" / "happy").mkdir(parents=True)
    return folder / "faces"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (broken_csv((0, "1 2 3", "Training")), "a.csv: line 3: expected 2304 pixels. Received: 3"),
        (broken_csv((0, ROW[1] + " 7", "Training")), "a.csv: line 3: expected 2304 pixels. Received: 2305"),
        (
            broken_csv((0, ROW[1].rsplit(" ", 1)[0] + " 256", "Training")),
            "expected a whole number in 0..255. Received: '256'",
        ),
        (broken_csv((0, ROW[1], "Test")), "a.csv: line 3: expected a Usage of"),
        (broken_csv((9, ROW[1], "Training")), "a.csv: line 3: expected an emotion of"),
        (file_of("a.csv", b""), "a.csv: the file is empty"),
        (file_of("a.csv", b"emotion,pixels,Usage\n"), "a.csv: no images are left to write"),
        (file_of("test.csv", b"pixels\n1 2"), "test.csv: expected a column emotion. Received: pixels"),
        (file_of("a.h5", b"no HDF5"), "a.h5: not an HDF5 file"),
        (file_of("a.txt", b"some text"), "a.txt: no layout that fer knows"),
        (foreign_hdf5, "a.h5: an HDF5 file of another kind"),
        (torn_hdf5, "a.h5: a damaged HDF5 file"),
        (empty_folder, "faces: no images found"),
        (lambda folder: folder / "none.csv", "none.csv: no such file or folder"),
    ],
)
def test_bad_input_is_one_clear_line_and_leaves_nothing(
    tmp_path: Path, make: Callable[[Path], Path], message: str
) -> None:
    result = run_fer("prepare", make(tmp_path), "-o", "out/a.h5")
    assert result.exit_code == 3
    assert message in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert not list(Path("out").glob("*"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fer2013.csv", "-o", "out.txt"), "-o out.txt: expected a name that ends in .h5 or .hdf5"),
        (("fer2013.csv", "fer2013.csv"), "several sources: name the output with -o"),
        (("fer2013.csv", "--count", "5"), "--count is for sources of the format synthetic"),
        (("fer2013.csv", "--label-noise", "0.1"), "--label-noise is for sources of the format synthetic"),
        (("synthetic", "--votes", "fer2013.csv"), "--votes is for sources of the format fer2013-csv"),
        (("fer2013.csv", "--val-fraction", "1"), "--val-fraction"),
        (("fer2013.csv", "--format", "png"), "--format"),
        (
            ("fer2013.csv", "--crop", "face"),
            "--crop is for sources of image files; fer2013.csv is of the format fer2013-csv",
        ),
        (("fer2013.csv", "--neutral-first"), "--neutral-first is for sources of the format ckplus"),
        (("fer2013.csv", "--split", "subject:5/4"), "--split subject:5/4: expected fold K of N"),
        (("fer2013.csv", "--split", "persons"), "--split: expected original, random, subject:K/N or random:K/N"),
        (("fer2013.csv", "--drop-duplicates", "all"), "--drop-duplicates"),
        (("fer2013.csv", "--scheduler", "tcp://a:1"), "--backend dask and --scheduler ADDRESS go together"),
    ],
)
@pytest.mark.usefixtures("csv")
def test_wrong_usage(arguments: tuple[str, ...], message: str) -> None:
    result = run_fer("prepare", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_format_overrides_detection(tree: Path) -> None:
    result = run_fer("prepare", tree, "--format", "fer2013-csv")
    assert result.exit_code == 3
    assert "faces: Is a directory" in result.stderr


def test_a_full_disk_is_one_clear_line(csv: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, hard))
    try:
        result = run_fer("prepare", csv, "-o", "out/a.h5")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert result.exit_code == 3
    assert "out/a.h5: cannot be written: File too large" in result.stderr
    assert not Path("out").exists()
