"""Every line that the documentation gives to a shell works: it is run on tiny data, or at least understood.

A line is run as it stands, with the options of `SMALLER` after it. One that would take long, or cannot run here, is in
`INSTEAD` or `UNDERSTOOD`; a new line of the documentation is run unless it is put there.
"""

from __future__ import annotations

import re
import shlex
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import documented
from tests.helpers import run_fer
from tests.test_recipes import require_known

ROOT = Path(__file__).parents[1]
DOCUMENTS = [ROOT / "README.md", *sorted(ROOT.glob("docs/**/*.md"))]

#: Options that keep lines short, after each line that begins so.
SMALLER: dict[str, str] = {
    "fer": "--overwrite",
    "fer prepare synthetic": "--count 140",
    "fer prepare photos": "--detector haar",
    "fer train": "--epochs 1 --batch-size 42",
    "fer tune": "--epochs 1 --trials 1 --jobs 1",
    "fer noise": "--limit 1 --repeats 1",
    "fer attack": "--limit 1 --steps 2",
    "fer svm": "--folds 2",
    "fer bias": "--min-rows 5",
    "fer augment faces.h5 --balance": "--factor 2",  # its classes are of equal size
    # --method pca has no neighbours.
    "fer tsne a.keras": "--perplexity 5",
    "fer tsne mini.keras faces.h5 -o": "--perplexity 5",
    "fer tsne mini.keras faces.h5 --html": "--perplexity 5",
    "fer saliency": "--limit 1",
    # With --filters it would ask for maps.
    "fer saliency a.keras --wrong": "--evidence 2",
    "fer saliency mini.keras faces.h5 --method": "--evidence 2",
    "fer transfer fit": "--epochs 1 --steps 1 --batch-size 2 --width 4 --blocks 1",
    "fer transfer apply": "--limit 1",
    "fer predict photos/": "--detector haar",
    "fer export": "--rows 8",
}

#: Line -> what is run in its place.
INSTEAD: dict[str, str] = {
    "fer svm faces.h5 --features hog+pca:60 --folds 3 -o results/svm": (
        "fer svm faces.h5 --features hog+pca:6 --folds 3 -o results/svm"
    ),
    "fer worst-labels noisy.h5 --cross-validate 3 --arch pattern:CPCPF --widths 8,16 -o results/crossed": (
        "fer worst-labels noisy.h5 --cross-validate 3 --arch pattern:CPCPF --widths 8,16 -o results/crossed --epochs 1"
    ),
}

#: Line -> why it is only understood here: its options and their values are known to the program.
UNDERSTOOD: dict[str, str] = {
    "fer train --arch resnet50v2 --init imagenet --freeze all-but-head --unfreeze-after 3 --body-lr 0.1": "the weights",
    "fer train --list-architectures": "builds 22 networks; tests/commands/test_train.py does it",
    "fer train --devices 4": "TensorFlow divides the CPU before it starts only",
    "fer train --workers host1:9000,host2:9000 --rank 0": "there are no such machines",
    "fer webcam --log anna.csv": "there is no camera",
    "fer webcam --source rtsp://camera/stream --headless --log room.csv": "there is no such stream",
    "fer webcam --lecture lecture.mp4 --log anna.csv": "there is no screen",
    "fer webcam --model mini.keras --log anna.csv": "there is no camera",
    "fer webcam --model mini.keras --lecture lecture.mp4 --log anna.csv": "there is no screen",
    "fer webcam --model mini.keras --source rtsp://camera/stream --headless --log room.csv": "there is no such stream",
}

#: Lines of other programs.
OTHERS = {"head -n 4 clip.csv"}


@dataclass(frozen=True)
class Part:
    """Lines of a document that are run one after the other."""

    name: str
    lines: tuple[str, ...]


def lines_of(block: str) -> tuple[str, ...]:
    """The commands of a block, without comments; one that goes on behind a backslash is one line."""
    joined = re.sub(r"\\\n\s*", "", block)
    words = (shlex.split(line, comments=True) for line in joined.splitlines())
    return tuple(" ".join(word if "*" in word else shlex.quote(word) for word in line) for line in words if line)


def blocks_of(document: Path) -> list[tuple[str, ...]]:
    """The lines of each block for a shell."""
    text = document.read_text(encoding="utf-8")
    return [lines_of(block) for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)]


def parts() -> list[Part]:
    """The blocks of README.md each for itself; those of a page go on from each other."""
    found = []
    for document in DOCUMENTS:
        blocks = blocks_of(document)
        if document.parent == ROOT:
            found += [Part(f"{document.name}:{number}", lines) for number, lines in enumerate(blocks, 1)]
        elif blocks:
            found.append(Part(str(document.relative_to(ROOT)), tuple(line for block in blocks for line in block)))
    return found


PARTS = parts()

#: TensorFlow says so of tf.data whenever functions run untraced.
pytestmark = pytest.mark.filterwarnings("ignore:Even though the .tf.config.experimental_run_functions_eagerly.")


@pytest.fixture(scope="module")
def _untraced() -> Iterator[None]:
    """Compiling a function of TensorFlow takes far longer than running it on tiny data."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    yield
    tf.config.run_functions_eagerly(False)


@pytest.fixture(scope="module")
def prepared(_untraced: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that each part begins with."""
    folder = tmp_path_factory.mktemp("examples") / "folder"
    folder.mkdir()
    documented.fill(folder)
    return folder


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.name)
def test_the_lines_work(part: Part, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "work"
    shutil.copytree(prepared, folder)
    monkeypatch.chdir(folder)
    monkeypatch.setenv("FER_MODEL", "a.keras")
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    for line in part.lines:
        work(line)


def work(line: str) -> None:
    """Run a line, or look at it, in the current folder."""
    program, *words = shlex.split(line)
    if program == "make":
        require_targets(words)
    elif program != "fer":
        assert line in OTHERS, f"what shall be done with: {line}"
    elif line in UNDERSTOOD:
        require_known(shlex.join(words))
    else:
        more = [option for begin, options in SMALLER.items() if line.startswith(begin) for option in options.split()]
        arguments = [*expanded(shlex.split(INSTEAD.get(line, line))[1:]), *more]
        result = run_fer(*arguments)
        assert result.exit_code == 0, f"{shlex.join(arguments)}\n{result.stderr}"


def expanded(words: list[str]) -> list[str]:
    """Words in which a shell would have put the names that match them."""
    return [name for word in words for name in (sorted(map(str, Path().glob(word))) if "*" in word else [word])]


def require_targets(words: list[str]) -> None:
    """Targets of the Makefile, or studies, among the words after make."""
    for name in (word for word in words if not word.startswith("-") and "=" not in word):
        if name.startswith("study-"):
            assert (ROOT / "recipes" / name.removeprefix("study-") / "Makefile").exists(), name
        else:
            makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
            assert re.search(rf"^{re.escape(name)}:", makefile, re.MULTILINE), name


@pytest.mark.parametrize("study", sorted(ROOT.glob("recipes/*/README.md")), ids=lambda path: path.parent.name)
def test_the_lines_of_a_study_are_understood(study: Path) -> None:
    for block in blocks_of(study):
        for line in block:
            program, *words = shlex.split(line)
            assert program in ("make", "fer")
            if program == "make":
                require_targets(words)
            else:
                require_known(shlex.join(words))


def test_exceptions_are_of_lines_that_are_there() -> None:
    there = {line for part in PARTS for line in part.lines}
    assert there.issuperset(INSTEAD)
    assert there.issuperset(UNDERSTOOD)
    assert there.issuperset(OTHERS)
