"""Kinds of damage: each takes what a sound file holds and gives what an accident, or somebody's malice, makes of it.

All of them draw from the generator that they are given, and from nothing else.
"""

from __future__ import annotations

import io
import json
import shutil
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

Rng = np.random.Generator
#: bytes of a file -> bytes of the damaged one
Damage = Callable[[bytes, Rng], bytes]

#: What does not belong into a field of a table, a name or a number.
FIELDS = (
    "", " ", "nan", "inf", "-1", "-0.0", "1e999", "9" * 5000, "0x10", "1_000", "١٢", "²", "\0", '"', "'", ",", "\t",
    "\u202e", "\udc80", "😀", "é", "../../../etc/passwd", "/dev/zero", "=1+1", "<script>alert(1)</script>", "NULL",
    "true", "1.5", "255", "256", "a b", "x" * 200_000, "-9223372036854775809", "happy", "{}", "[1]",
)  # fmt: skip
#: The same for a node of a JSON document.
NODES: tuple[Any, ...] = (
    None, True, -1, 0, 1.5, 1e308, 10**30, "", "x", [], {}, [[]], [None], {"a": 1}, ["a", "a"], float("nan"),
    float("inf"), "<b>", "é" * 1000, 2**31, 2**63, 4096, [0], [-1, -1, -1], [10**9, 10**9, 1],
)  # fmt: skip
#: Sizes that a header might claim.
_HUGE = (0xFFFFFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFF, 2**63 - 1, 2**64 - 1, 2**40, 10**9)


def _span(data: bytes, rng: Rng, most: int = 4096) -> tuple[int, int]:
    """A place in the file and a length, often a short one."""
    start = int(rng.integers(0, max(1, len(data))))
    return start, int(np.exp(rng.uniform(0, np.log(most)))) + 1


def truncate(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(0, max(1, len(data))))]


def lose_the_end(data: bytes, rng: Rng) -> bytes:
    return data[: -_span(data, rng, 256)[1]]


def flip_bits(data: bytes, rng: Rng) -> bytes:
    damaged = bytearray(data)
    for place in rng.integers(0, max(1, len(data)), int(rng.integers(1, 33))) if data else ():
        damaged[int(place)] ^= 1 << int(rng.integers(8))
    return bytes(damaged)


def flip_the_start(data: bytes, rng: Rng) -> bytes:
    """Bits of the header, which says what all else is."""
    return flip_bits(data[:128], rng) + data[128:]


def zero(data: bytes, rng: Rng) -> bytes:
    start, length = _span(data, rng)
    return data[:start] + bytes(len(data[start : start + length])) + data[start + length :]


def fill(data: bytes, rng: Rng) -> bytes:
    start, length = _span(data, rng, 64)
    return data[:start] + b"\xff" * len(data[start : start + length]) + data[start + length :]


def huge_size(data: bytes, rng: Rng) -> bytes:
    """A number of 4 or 8 bytes, of either order, that may well be a size."""
    value, wide = int(rng.choice(np.array(_HUGE, np.uint64))), bool(rng.integers(2))
    number = struct.pack((">" if rng.integers(2) else "<") + ("Q" if wide else "I"), value % 2 ** (64 if wide else 32))
    start = int(rng.integers(0, max(1, min(len(data), 4096 if rng.integers(2) else len(data)))))
    return data[:start] + number + data[start + len(number) :]


def swap_parts(data: bytes, rng: Rng) -> bytes:
    a, b, c = sorted(int(place) for place in rng.integers(0, len(data) + 1, 3))
    return data[:a] + data[b:c] + data[a:b] + data[c:]


def repeat(data: bytes, rng: Rng) -> bytes:
    start, length = _span(data, rng)
    return data[: start + length] + data[start:]


def insert(data: bytes, rng: Rng) -> bytes:
    start, length = _span(data, rng, 512)
    return data[:start] + rng.bytes(length) + data[start:]


def empty(data: bytes, rng: Rng) -> bytes:
    return b""


def random(data: bytes, rng: Rng) -> bytes:
    return data[: int(rng.integers(0, 33))] + rng.bytes(int(rng.integers(1, 4096)))


def other_kind(data: bytes, rng: Rng) -> bytes:
    """The content of a file of another kind under this name."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as opened:
        opened.writestr(zipfile.ZipInfo("a/b.txt"), "text")  # dated 1980, so that the hour changes nothing
    kinds = (
        archive.getvalue(),
        b"a,b\n1,2\n",
        b"{}",
        b"%PDF-1.7\n",
        b"\x89HDF\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n",
        b"GIF89a",
    )
    return kinds[int(rng.integers(len(kinds)))]


def _lines(change: Callable[[list[bytes], Rng], list[bytes]]) -> Damage:
    def damage(data: bytes, rng: Rng) -> bytes:
        return b"\n".join(change(data.split(b"\n"), rng))

    damage.__name__ = change.__name__
    return damage


def _cells(change: Callable[[list[bytes], int, Rng], None]) -> Damage:
    """A change of the fields of one line, of any but the last, which is empty."""

    def damage(data: bytes, rng: Rng) -> bytes:
        lines = data.split(b"\n")
        row = int(rng.integers(0, max(1, len(lines) - 1)))
        mark = next((mark for mark in (b",", b"\t", b"=", b" ") if mark in lines[row]), b" ")
        cells = lines[row].split(mark)
        change(cells, int(rng.integers(len(cells))), rng)
        lines[row] = mark.join(cells)
        return b"\n".join(lines)

    damage.__name__ = change.__name__
    return damage


@_cells
def random_field(cells: list[bytes], place: int, rng: Rng) -> None:
    cells[place] = FIELDS[int(rng.integers(len(FIELDS)))].encode("utf-8", "surrogateescape")


@_cells
def swap_fields(cells: list[bytes], place: int, rng: Rng) -> None:
    other = int(rng.integers(len(cells)))
    cells[place], cells[other] = cells[other], cells[place]


@_cells
def lose_field(cells: list[bytes], place: int, rng: Rng) -> None:
    del cells[place]


@_cells
def double_field(cells: list[bytes], place: int, rng: Rng) -> None:
    cells.insert(place, cells[place])


@_lines
def double_line(lines: list[bytes], rng: Rng) -> list[bytes]:
    place = int(rng.integers(len(lines)))
    return lines[: place + 1] + lines[place:]


@_lines
def lose_line(lines: list[bytes], rng: Rng) -> list[bytes]:
    place = int(rng.integers(len(lines)))
    return lines[:place] + lines[place + 1 :]


@_lines
def shuffle_lines(lines: list[bytes], rng: Rng) -> list[bytes]:
    return [lines[i] for i in rng.permutation(len(lines))]


def encode_otherwise(data: bytes, rng: Rng) -> bytes:
    codec = ("utf-16", "utf-32", "utf-8-sig", "cp037")[int(rng.integers(4))]
    return data.decode("utf-8", "replace").encode(codec, "replace")


def end_lines_otherwise(data: bytes, rng: Rng) -> bytes:
    return data.replace(b"\n", (b"\r\n", b"\r", b"\n\n", b"\0")[int(rng.integers(4))])


def bad_bytes(data: bytes, rng: Rng) -> bytes:
    place = int(rng.integers(len(data) + 1))
    return (
        data[:place] + (b"\xff\xfe", b"\0", b'"', b"\x80", b"\xed\xa0\x80", b"\n")[int(rng.integers(6))] + data[place:]
    )


def _nodes(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a JSON document, as (container, key)."""
    keys = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    return [place for key in keys for place in ((node, key), *_nodes(node[key]))]


def change_json(data: bytes, rng: Rng) -> bytes:
    """One to three nodes replaced, lost or renamed; a document that cannot be read is cut."""
    try:
        document = json.loads(data)
    except ValueError:
        return truncate(data, rng)
    for _ in range(int(rng.integers(1, 4))):
        places = _nodes(document)
        if not places:
            return json.dumps(NODES[int(rng.integers(len(NODES)))]).encode()
        container, key = places[int(rng.integers(len(places)))]
        way = int(rng.integers(4))
        if way == 0:
            del container[key]
        elif way == 1 and isinstance(container, dict):
            container[FIELDS[int(rng.integers(len(FIELDS)))]] = container.pop(key)
        else:
            container[key] = NODES[int(rng.integers(len(NODES)))]
    return json.dumps(document).encode()


def deep_json(data: bytes, rng: Rng) -> bytes:
    """Deeper than Python follows."""
    depth = 100_000
    return b'{"a":' * depth + b"1" + b"}" * depth if rng.integers(2) else b"[" * depth + b"]" * depth


def long_number(data: bytes, rng: Rng) -> bytes:
    """More digits than Python turns into an int."""
    places = [i for i, byte in enumerate(data) if chr(byte).isdigit()]
    place = places[int(rng.integers(len(places)))] if places else 0
    return data[:place] + b"9" * 5000 + data[place:]


def change_npy_header(data: bytes, rng: Rng) -> bytes:
    """An array that says to be another."""
    kind = ("<f4", "|O", "<U1000", "|V0", "<f8", "|u1")[int(rng.integers(6))]
    shape = ("()", "(1000000000000,)", "(-1,)", "(2, 2)", "(0,)", "('a',)", "(1,) * 99")[int(rng.integers(7))]
    header = f"{{'descr': {kind!r}, 'fortran_order': {bool(rng.integers(2))}, 'shape': {shape}, }}".encode()
    body = data[10 + int.from_bytes(data[8:10], "little") :]
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header + b"\n" + body


def change_png_size(data: bytes, rng: Rng) -> bytes:
    """Another width or height, with the right checksum; other pictures are filled with large numbers."""
    if not data.startswith(b"\x89PNG"):
        return huge_size(data[:64], rng) + data[64:]
    sizes = (0, 1, 3, 47, 30_000, 65_535, 2**20, 2**31 - 1)
    chunk = b"IHDR" + struct.pack(">II", *(sizes[int(i)] for i in rng.integers(0, len(sizes), 2))) + data[24:29]
    return data[:12] + chunk + struct.pack(">I", zlib.crc32(chunk)) + data[33:]


def change_hdf5(data: bytes, rng: Rng) -> bytes:
    """A dataset, group, link or attribute that is sound by itself, and not what should be there."""
    import h5py

    content = io.BytesIO(data)
    with h5py.File(content, "r+") as file:
        places: list[str] = ["/"]
        file.visit(places.append)
        path = places[int(rng.integers(len(places)))]
        if path == "/" or rng.integers(3) == 0:
            _change_attribute(file[path], rng)
        else:
            _change_item(file, path, rng)
    return content.getvalue()


def _change_attribute(item: Any, rng: Rng) -> None:
    names = list(item.attrs) or ["names"]
    name = names[int(rng.integers(len(names)))]
    if rng.integers(4) == 0:
        item.attrs.pop(name, None)
        return
    values = (
        0,
        -1,
        1.5,
        "x",
        "",
        "{}",
        "[1]",
        b"\xff\xfe",
        [],
        ["a", "a"],
        [1, 2],
        ["a"] * 300,
        np.zeros((2, 2)),
        "null",
    )
    item.attrs[name] = values[int(rng.integers(len(values)))]


def _change_item(file: Any, path: str, rng: Rng) -> None:
    import h5py

    old = file[path]
    shape = tuple(old.shape) if isinstance(old, h5py.Dataset) else (3,)
    del file[path]
    ways: tuple[Callable[[], Any], ...] = (
        lambda: None,
        lambda: file.create_group(path),
        lambda: file.create_dataset(path, data=np.zeros(shape, np.float64)),
        lambda: file.create_dataset(path, data=np.full(shape, np.nan, np.float32)),
        lambda: file.create_dataset(path, data=np.full(shape, 200, np.uint8)),
        lambda: file.create_dataset(path, data=np.zeros(shape[::-1], np.uint8)),
        lambda: file.create_dataset(path, data=np.zeros((0, *shape[1:]), np.uint8)),
        lambda: file.create_dataset(
            path, shape=(2**40, *shape[1:]), dtype=np.uint8, chunks=(1, *(s or 1 for s in shape[1:]))
        ),
        lambda: file.create_dataset(path, shape=shape, dtype=h5py.string_dtype("utf-8")),
        lambda: file.create_dataset(
            path, data=[b"\xff\xfe"] * max(1, shape[0] if shape else 1), dtype=h5py.string_dtype("ascii")
        ),
        lambda: file.create_dataset(path, data=["same"] * max(1, shape[0] if shape else 1)),
        lambda: file.create_dataset(path, data=5),
        lambda: file.create_dataset(path, shape=shape, dtype=np.dtype([("a", "i4"), ("b", "f8")])),
        lambda: file.create_dataset(path, data=h5py.Empty("u1")),
        lambda: file.__setitem__(path, h5py.SoftLink("/nowhere")),
        lambda: file.__setitem__(path, h5py.SoftLink(f"/{path}")),
        lambda: file.__setitem__(path, h5py.ExternalLink("/etc/hostname", "/")),
    )
    ways[int(rng.integers(len(ways)))]()


def change_member(data: bytes, rng: Rng) -> bytes:
    """One member of a zip damaged as a file of its kind is, lost or doubled; the archive itself is sound."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[int(rng.integers(len(members)))]
    if rng.integers(8) == 0:
        del members[name]
    else:
        members[name] = damaged(Path(name), members[name], rng)[1]
    return _zipped(members, rng)


def _zipped(members: Mapping[str, bytes], rng: Rng) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED if rng.integers(2) else zipfile.ZIP_STORED) as archive:
        for name, member in members.items():
            archive.writestr(zipfile.ZipInfo(name), member)
    return content.getvalue()


def bomb(data: bytes, rng: Rng) -> bytes:
    """A member that unpacks to half a gigabyte."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = list(members)[int(rng.integers(len(members)))]
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for other, member in members.items():
            with archive.open(other, "w", force_zip64=True) as stream:
                stream.write(member)
                for _ in range(512 if other == name else 0):
                    stream.write(bytes(1 << 20))
    return content.getvalue()


BINARY: tuple[Damage, ...] = (
    truncate, lose_the_end, flip_bits, flip_the_start, zero, fill, huge_size, swap_parts, repeat, insert, empty, random,
    other_kind,
)  # fmt: skip
TEXT: tuple[Damage, ...] = (
    random_field, random_field, random_field, swap_fields, lose_field, double_field, double_line, lose_line,
    shuffle_lines, encode_otherwise, end_lines_otherwise, bad_bytes, long_number,
)  # fmt: skip
PICTURE = (*BINARY, change_png_size, change_png_size)
ARCHIVE = (*BINARY, *[change_member] * 10, bomb)
HDF5 = (*BINARY, *[change_hdf5] * 10)
JSON = (
    truncate,
    empty,
    flip_bits,
    other_kind,
    *[change_json] * 12,
    deep_json,
    long_number,
    encode_otherwise,
    bad_bytes,
)

#: By the ending of the file; whatever is not here is binary.
KINDS: Mapping[str, tuple[Damage, ...]] = MappingProxyType(
    {
        **dict.fromkeys((".csv", ".lst", ".txt", ".toml"), (*TEXT, truncate, flip_bits, empty, random, other_kind)),
        **dict.fromkeys((".png", ".jpg", ".jpeg", ".bmp", ".tiff", ".webp", ".gif"), PICTURE),
        **dict.fromkeys((".keras", ".skops", ".npz"), ARCHIVE),
        **dict.fromkeys((".h5", ".hdf5"), HDF5),
        ".npy": (*BINARY, *[change_npy_header] * 4),
        ".json": JSON,
    }
)


def damaged(name: Path, data: bytes, rng: Rng) -> tuple[str, bytes]:
    """The name of a kind of damage that befits the file's ending, and the damaged content."""
    kinds = KINDS.get(name.suffix.lower(), BINARY)
    kind = kinds[int(rng.integers(len(kinds)))]
    return kind.__name__, kind(data, rng)


def _to_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _to_loop(path: Path) -> None:
    path.unlink()
    path.symlink_to(path.name)


def _to_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


#: What happens to a file's place rather than to its content.
_PLACES: tuple[Callable[[Path], object], ...] = (
    _to_folder,
    _to_loop,
    _to_dangling_link,
    Path.unlink,
    lambda path: path.rename(path.with_name(path.stem.upper() + "é <b>" + path.suffix)),
    lambda path: shutil.copy(path, path.with_name(f"copy of {path.name}")),
    lambda path: path.rename(path.with_suffix(".dat")),
)


def damage_file(path: Path, rng: Rng, of_many: bool) -> str:
    """Damage a file where it lies; the name of the kind.

    of_many: it is one file of a tree, in which the place of a file, too, means something.
    """
    if of_many and rng.integers(6) == 0:
        _PLACES[int(rng.integers(len(_PLACES)))](path)
        return "place"
    kind, content = damaged(path, path.read_bytes(), rng)
    path.write_bytes(content)
    return kind
