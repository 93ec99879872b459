"""The rules of the house that a reader of one file cannot see."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# Each may import those before it; what stands in one line stands side by side.
LAYERS = (
    ("data", "config", "files"),
    ("evaluation", "torch_dataset"),
    ("events",),
    ("network", "presets", "pictures", "cutout", "doodles"),
    ("imaging", "augmentation", "prediction", "sampling"),
    ("explanation", "familiarity", "learner"),
    ("training",),
    ("runs",),
    ("jobs", "history"),
    ("diagnosis",),
    ("__main__",),
)
FIGURES = ("figures", "live_figures", "run_figures")
MODULES = [*sorted(file.stem for file in (ROOT / "fmnist_core").glob("*.py") if file.stem != "__init__"), "network"]
SOURCES = sorted([ROOT / "dashboard.py", *(ROOT / "pages").rglob("*.py"), *(ROOT / "fmnist_core").rglob("*.py")])


def imports_at_run_time(file: Path) -> Iterator[str]:
    """Names of imported modules, without those for type checkers only."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    typed = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)]
    exempt = {id(inner) for node in typed for inner in ast.walk(node)}
    for node in ast.walk(tree):
        if id(node) in exempt:
            continue
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def test_every_module_has_its_place() -> None:
    assert sorted([module for layer in LAYERS for module in layer] + list(FIGURES)) == sorted(MODULES)


@pytest.mark.parametrize("module", MODULES)
def test_imports_run_one_way(module: str) -> None:
    imported = {
        name.split(".")[1]
        for file in ((ROOT / "fmnist_core" / "network").glob("*.py") if module == "network" else [ROOT / "fmnist_core" / f"{module}.py"])
        for name in imports_at_run_time(file)
        if name.startswith("fmnist_core.")
    } - ({"network"} if module == "network" else set())
    if module in FIGURES:
        assert imported <= {"figures", "history"}
        return
    place = next(i for i, layer in enumerate(LAYERS) if module in layer)
    assert imported <= {earlier for layer in LAYERS[:place] for earlier in layer}


def test_the_core_never_imports_streamlit() -> None:
    names = ", ".join(f"fmnist_core.{module}" for module in MODULES)
    command = f"import sys, {names}; print('streamlit' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "False\n"


def test_listing_runs_and_waiting_need_no_pytorch() -> None:
    command = "import sys, fmnist_core.__main__; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True, check=True).stdout == "False\n"


@pytest.mark.parametrize("file", SOURCES, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_pickle_is_ever_loaded(file: Path) -> None:
    assert not {"pickle", "joblib", "shelve", "marshal"} & set(imports_at_run_time(file))
    assert not re.search(
        r"(?<!safetensors\.)torch\.load\(|allow_pickle|\beval\(|\bexec\(", re.sub(r"\.eval\(\)", "", file.read_text(encoding="utf-8"))
    )


def test_no_pages_url_is_its_files_name() -> None:
    pages = re.findall(r'st\.Page\("pages/(\w+)\.py", title="([^"]+)".*url_path="(\w+)"', (ROOT / "dashboard.py").read_text())
    assert sorted(stem for stem, _title, _url in pages) == sorted(file.stem for file in (ROOT / "pages").glob("[a-z]*.py"))
    assert all(stem != url for stem, _title, url in pages)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in lines)


def test_ci_calls_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```sh\n(.+?)\n```$", readme, flags=re.MULTILINE | re.DOTALL)
    assert "streamlit run dashboard.py" in commands[0]
    assert commands[1].endswith("pytest")
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readmes_file_tree_names_what_is_there() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    tree = readme.split("## Files\n\n```text\n", 1)[1].split("```", 1)[0]
    folders: list[str] = []
    named = set()
    for line in tree.splitlines():
        entry = re.match(r"( *)([\w./-]+)", line)
        if entry is None:
            continue
        depth = len(entry[1]) // 2
        folders = [*folders[:depth], entry[2].rstrip("/")]
        named.add("/".join(folders))
    assert {name for name in named if not (ROOT / name).exists()} == set()
    code = {str(file.relative_to(ROOT).as_posix()) for file in SOURCES if file.name != "__init__.py"}
    assert code - named == set()
