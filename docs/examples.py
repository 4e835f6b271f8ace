"""Run the examples of docs/commands/*.md on drawn faces, and write their output and pictures into the pages.

    python docs/examples.py FOLDER [NAME...]      or: make docs-examples

A block ```sh that is followed by the line `<!-- output -->` is run in FOLDER, page by page in the order of the
commands, and what it prints becomes the text block after that line. `<!-- output: 4 6 -->` keeps its first 4 and last 6
lines. `<!-- picture: FILE -->` before a Markdown image makes that image of FILE, a picture or a video's middle frame.
NAME does the pages named only; what earlier pages made must then be in FOLDER.

Nothing here is of a real person: the photo, the clip and the viewers' logs are drawn as well.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from fer_cli.main import COMMANDS  # noqa: E402
from tests.faces.clips import write_clip  # noqa: E402
from tests.faces.drawn import portrait  # noqa: E402
from tests.faces.moving import actor, video  # noqa: E402
from tests.live.lectures import write_lecture  # noqa: E402

PAGES = ROOT / "docs" / "commands"
EXAMPLE = re.compile(
    r"```sh\n(?P<lines>.*?)```\n\n<!-- output(?:: (?P<first>\d+) (?P<last>\d+))? -->\n```text\n.*?```\n", re.S
)
PICTURE = re.compile(r"<!-- picture: (\S+) -->\n!\[[^\]]*\]\(([^)]+)\)")
#: A page may be done again in the same folder.
REPLACING = 'fer() { command fer "$@" --overwrite; }'
#: Sides of a picture in pixels and its colours, the first of which keep below so many bytes.
SIZES, BYTES = ((720, 96), (600, 96), (500, 96), (400, 96), (400, 32)), 60_000
#: What stands in a terminal for a moment only.
PROGRESS = re.compile(r"[\w ,:-]+: [\d,]+ of [\d,]+(, .*)?")


def draw_media(folder: Path) -> None:
    """photo.png with three people, clip.mp4 of two who move, and the logs of five viewers of a lecture."""
    crowd = np.hstack([portrait(person).image[:, shift : shift + 260] for person, shift in ((1, 10), (2, 30), (4, 70))])
    cv2.imwrite(str(folder / "photo.png"), crowd[..., ::-1])
    people = [actor(1, lambda t: (20 + 12 * t, 40)), actor(4, lambda t: (240 - 10 * t, 70))]
    write_clip(folder / "clip.mp4", [image for _, image in video(people, 4.0)])
    (folder / "viewers").mkdir(exist_ok=True)
    write_lecture(folder / "viewers")


def run(lines: str, folder: Path) -> str:
    """What the lines of a block print, both streams in their order."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "COLUMNS": "100", "PYTHONUNBUFFERED": "1"}
    done = subprocess.run(
        ["bash", "-e", "-c", f"{REPLACING}\n{lines}"], cwd=folder, env=environment, text=True, check=False,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(f"exit status {done.returncode}:\n{lines}\n{done.stdout}")
    return done.stdout


def shown(text: str, first: int, last: int) -> str:
    """Lines without trailing blanks and progress; the first and the last of a long output where they are given."""
    lines = [line.rstrip() for line in text.strip("\n").splitlines() if not PROGRESS.fullmatch(line.strip())]
    if first + last and len(lines) > first + last:
        lines = [*lines[:first], "…", *lines[len(lines) - last :]]
    return "\n".join(lines)


def fill(page: Path, folder: Path) -> None:
    """Run the examples of a page and write it anew."""

    def output(match: re.Match[str]) -> str:
        text = shown(run(match["lines"], folder), int(match["first"] or 0), int(match["last"] or 0))
        head = match[0][: match[0].index("```text\n")]
        return f"{head}```text\n{text}\n```\n"

    text = EXAMPLE.sub(output, page.read_text(encoding="utf-8"))
    for source, target in PICTURE.findall(text):
        save_small(read(folder / source), (page.parent / target).resolve())
    page.write_text(text, encoding="utf-8")


def read(path: Path) -> Image.Image:
    """A picture, or the middle frame of a video."""
    if path.suffix != ".mp4":
        return Image.open(path).convert("RGB")
    clip = cv2.VideoCapture(str(path))
    frames = []
    while (frame := clip.read())[0]:
        frames.append(frame[1])
    clip.release()
    return Image.fromarray(cv2.cvtColor(frames[len(frames) // 2], cv2.COLOR_BGR2RGB))


def save_small(image: Image.Image, path: Path) -> None:
    """Write an image as a PNG of few colours, no larger than the pages need and than `BYTES`."""
    for side, colours in SIZES:
        small = image.copy()
        small.thumbnail((side, side), Image.Resampling.LANCZOS)
        small.quantize(colours, dither=Image.Dither.NONE).save(path, optimize=True)
        if path.stat().st_size < BYTES:
            break
    print(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Run the examples of the commands' pages, and write what they give.")
    parser.add_argument("folder", type=Path, help="where they run")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a command whose page it is; all where none is named")
    asked = parser.parse_args()
    if unknown := set(asked.names) - set(COMMANDS):
        parser.error(f"expected names of commands. Received: {', '.join(sorted(unknown))}")
    place, names = asked.folder.resolve(), asked.names
    place.mkdir(parents=True, exist_ok=True)
    draw_media(place)
    for name in names or COMMANDS:
        print(f"== {name}")
        fill(PAGES / f"{name}.md", place)
