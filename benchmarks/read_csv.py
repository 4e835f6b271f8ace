"""Time and memory of reading fer2013.csv, against pandas.read_csv plus splitting each row with numpy.

    python benchmarks/read_csv.py [fer2013.csv]

Without a file it draws one of 8,000 rows. Each side runs in a process of its own and must end with the same pixels.
Wanted: at most a quarter of the baseline's time, and at most 500 MB at the peak, for the reader and for all of
`fer prepare`.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

ROWS = 8000
REPEATS = 3
MOST_TIME, MOST_MEGABYTES = 0.25, 500

#: Prints wall seconds without the imports, peak memory in megabytes, and a checksum of the pixels.
FRAME = """
import json, resource, sys, time
from pathlib import Path
import numpy as np
{imports}
start = time.perf_counter()
{body}
seconds = time.perf_counter() - start
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
print(json.dumps([seconds, peak, int(pixels.astype(np.int64).sum()) if pixels is not None else None]))
"""
PANDAS = FRAME.format(
    imports="import pandas as pd",
    body="""
table = pd.read_csv(sys.argv[1])
pixels = np.stack([np.array(row.split(" "), dtype="uint8") for row in table["pixels"]])
""",
)
READER = FRAME.format(
    imports="""
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.fer2013_csv import Fer2013Csv
""",
    body="""
importer = Fer2013Csv(Path(sys.argv[1]), ReadOptions())
pixels = np.concatenate([records.images for records in importer.records()])
""",
)
PREPARE = FRAME.format(
    imports="""
from fer_cli import catalog
from fer_cli.datasets.base import ReadOptions
from fer_cli.datasets.choose import Selection
from fer_cli.datasets.prepare import prepare_dataset
from fer_cli.datasets.sources import open_source
for name in catalog.IMPORTERS:
    catalog.find(catalog.IMPORTERS, name, "format")
""",
    body="""
options = ReadOptions()
source = open_source(Path(sys.argv[1]), None, options)
prepare_dataset([source], Path(sys.argv[1] + ".bench.h5"), options, Selection())
Path(sys.argv[1] + ".bench.h5").unlink()
pixels = None
""",
)


def draw_csv(path: Path) -> Path:
    rng = np.random.default_rng(0)
    with path.open("w", encoding="ascii") as stream:
        stream.write("emotion,pixels,Usage\n")
        for row in rng.integers(0, 256, (ROWS, 48 * 48)):
            stream.write(f"{rng.integers(7)},{' '.join(map(str, row))},Training\n")
    return path


def measure(program: str, path: Path) -> tuple[float, float, int | None]:
    """Median seconds, highest memory in megabytes, checksum."""
    runs = [
        json.loads(subprocess.run([sys.executable, "-c", program, path], check=True, capture_output=True).stdout)
        for _ in range(REPEATS)
    ]
    return statistics.median(run[0] for run in runs), max(run[1] for run in runs), runs[0][2]


def main(folder: Path) -> int:
    source = Path(sys.argv[1]) if len(sys.argv) > 1 else draw_csv(folder / "drawn.csv")
    # The whole command writes beside its input, which need not be writable.
    linked = folder / "linked.csv"
    linked.symlink_to(source.resolve())
    slow, slow_memory, expected = measure(PANDAS, source)
    print(f"pandas.read_csv + split each row   {slow:6.2f} s           {slow_memory:6.0f} MB")
    met = True
    for name, program in (("reader", READER), ("all of fer prepare", PREPARE)):
        seconds, memory, checksum = measure(program, linked)
        if checksum not in (None, expected):
            raise SystemExit("the two readers disagree about the pixels")
        met &= seconds <= MOST_TIME * slow and memory <= MOST_MEGABYTES
        print(f"{name:34} {seconds:6.2f} s  × {seconds / slow:.3f}  {memory:6.0f} MB")
    print(f"wanted: at most × {MOST_TIME} and {MOST_MEGABYTES} MB: {'met' if met else 'missed'}")
    return 0 if met else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        sys.exit(main(Path(name)))
