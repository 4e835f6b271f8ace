"""The import rules of DESIGN.md, checked in the source, and what `--help` loads, checked in fresh processes."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import fer_cli
from fer_cli.main import COMMANDS, every_command

ROOT = Path(fer_cli.__file__).parent
#: From the bottom to the top; a part imports only from lower layers and, without going in circles, from its own.
LAYERS = (
    {"errors", "labels", "records", "files", "claims", "archives", "catalog", "pretrained"},
    {"store", "models", "provenance", "framework", "runtimes"},
    {"architectures", "datasets", "faces", "transform", "gradients"},
    {
        "training",
        "tuning",
        "attacks",
        "translation",
        "saliency",
        "classical",
        "analysis",
        "live",
        "reports",
        "export",
        "scorers",
    },
    {"options", "training_options", "training_flags", "label_options"},
    {"commands"},
    {"main"},
)  # fmt: skip
#: Who alone may import a package.
ONLY = {
    "click": {"main", "options", "training_options", "training_flags", "label_options", "commands"},
    "rich": {"reports", "commands"},
    "matplotlib": {"reports"},
    "jinja2": {"reports"},
    "h5py": {"store"},
    "optuna": {"tuning"},
    "skops": {"classical"},
    "tensorflow": {"gradients", "training.distribute_tf", "training.fused", "training.winograd", "export.litert"},
    "jax": {"gradients", "training.distribute"},
}
#: Who may not.
NEVER = {
    "keras": {"datasets", "transform", "faces", "store", "reports", "options", "main"},
    "sklearn": {"store", "datasets", "transform", "architectures", "reports"},
}
HEAVY = {
    "tensorflow", "keras", "cv2", "sklearn", "scipy", "h5py", "matplotlib", "numpy", "rich", "mtcnn", "jax", "torch",
    "jinja2", "pandas", "optuna", "sqlalchemy", "skops", "cleanlab",
}  # fmt: skip

MODULES = {
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", "."): ast.parse(path.read_text(encoding="utf-8"))
    for path in sorted(ROOT.rglob("*.py"))
}
#: What stands at the top of the tree: the parts that have a layer.
PARTS = sorted({name.split(".")[0] for name in MODULES} - {"__init__"})


def imports(module: str) -> set[str]:
    """Every module that a module names in an import statement, also inside functions and type-checking blocks."""
    found: set[str] = set()
    for node in ast.walk(MODULES[module]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: a relative import, which this test does not follow"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def own(module: str) -> set[str]:
    """The parts of fer_cli that a module imports from."""
    return {name.split(".")[1] for name in imports(module) if name.startswith("fer_cli.")} & set(PARTS)


def layer(part: str) -> int:
    (place,) = (number for number, parts in enumerate(LAYERS) if part in parts)
    return place


def belongs(module: str, parts: set[str]) -> bool:
    return any(module == part or module.startswith(f"{part}.") for part in parts)


@pytest.mark.parametrize("part", PARTS)
def test_every_part_has_one_layer(part: str) -> None:
    assert sum(part in parts for parts in LAYERS) == 1


def test_imports_never_go_up() -> None:
    upward = {
        f"{module} imports {part}"
        for module in MODULES
        if module != "__init__"
        for part in own(module)
        if layer(part) > layer(module.split(".")[0])
    }
    assert upward == set()


def test_parts_do_not_import_each_other_in_circles() -> None:
    graph: dict[str, set[str]] = {part: set() for part in PARTS}
    for module in MODULES:
        part = module.split(".")[0]
        if part in graph:
            graph[part] |= own(module) - {part}
    # Raises CycleError, which names the circle.
    assert set(TopologicalSorter(graph).static_order()) == set(PARTS)


@pytest.mark.parametrize("package", ONLY)
def test_a_package_is_imported_only_where_it_belongs(package: str) -> None:
    users = {m for m in MODULES if any(name.split(".")[0] == package for name in imports(m))}
    assert {module for module in users if not belongs(module, ONLY[package])} == set()


@pytest.mark.parametrize("package", NEVER)
def test_some_parts_know_nothing_of_a_package(package: str) -> None:
    users = {m for m in MODULES if any(name.split(".")[0] == package for name in imports(m))}
    assert {module for module in users if belongs(module, NEVER[package])} == set()


def test_package_init_files_are_empty() -> None:
    assert {name for name, tree in MODULES.items() if name.endswith(".__init__") and tree.body} == set()
    assert imports("__init__") == set()


def test_library_code_does_not_print() -> None:
    printing = {
        module
        for module, tree in MODULES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    }
    assert printing == set()


def test_every_command_has_its_module_and_every_module_its_command() -> None:
    modules = {name.removeprefix("commands.") for name in MODULES if name.startswith("commands.")} - {"__init__"}
    assert modules == {name.replace("-", "_").replace(" ", "_") for name in every_command()}


PROBE = """
import sys
from fer_cli.main import cli
try:
    cli(sys.argv[1:])
finally:
    print("loaded:", *{name.split(".")[0] for name in sys.modules})
"""


@pytest.mark.parametrize("arguments", [[], *([name] for name in COMMANDS)], ids=lambda names: " ".join(["fer", *names]))
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    result = subprocess.run(
        [sys.executable, "-c", PROBE, *arguments, "--help"], capture_output=True, text=True, check=True, timeout=60
    )
    shown, _, loaded = result.stdout.partition("loaded:")
    assert "Usage: fer" in shown
    assert set(loaded.split()) & HEAVY == set()
