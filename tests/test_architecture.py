"""The project's rules that no single file shows."""

import ast
import graphlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from pages.parts.shared.closed_pages import ADDRESSES
from tests.conftest import ROOT

# A package may import from the rows above its own, but not from others in the same row.
ROWS = (
    ("settings", "store"),
    ("dataset",),
    ("network", "pictures"),
    ("evaluation",),
    ("training", "insight"),
    ("runs",),
    ("figures", "classroom"),
    ("jobs",),
    ("exports",),
    ("__main__",),
)
# The packages that work without PyTorch: a process that waits for its turn to train imports them, and so does the list of runs.
WITHOUT_TORCH = ("settings", "dataset", "store", "pictures", "runs", "classroom", "jobs", "figures", "exports")


def name_of(file: Path) -> str:
    """The dotted name by which a file is imported; for `__init__.py`, that of its package."""
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


CORE = {name_of(file): file for file in sorted((ROOT / "fmnist_core").rglob("*.py"))}
PAGES = {name_of(file): file for file in sorted((ROOT / "pages").rglob("*.py"))}
SOURCES = {"dashboard": ROOT / "dashboard.py"} | PAGES | CORE


def imports_of(file: Path, *, typing: bool = False) -> set[str]:
    """The names of all modules that a file imports, anywhere in it.

    Args:
        typing: whether to include those that only a type checker imports.
    """

    def walk(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test) and not typing:
            for other in node.orelse:
                yield from walk(other)
            return
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)
        for inner in ast.iter_child_nodes(node):
            yield from walk(inner)

    return set(walk(ast.parse(file.read_text(encoding="utf-8"))))


def package_of(module: str) -> str:
    """The package of a core module: "runs" for `fmnist_core.runs.record`, and "" for `fmnist_core` itself."""
    return module.partition(".")[2].partition(".")[0]


def top_level(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


def modules_after(command: str) -> set[str]:
    """The top-level names of all modules that are loaded in a new Python process after it has run this code."""
    code = f"{command}; import sys; print(*{{name.split('.')[0] for name in sys.modules}})"
    result = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(result.stdout.splitlines()[-1].split())


def test_every_package_has_a_row_and_every_module_a_docstring() -> None:
    folders = {folder.parent.name for folder in (ROOT / "fmnist_core").glob("*/__init__.py")}
    assert folders | {"__main__"} == {package for row in ROWS for package in row}
    modules = {file.stem for file in (ROOT / "fmnist_core").glob("*.py")}
    assert modules == {"__init__", "__main__"}
    for module, file in SOURCES.items():
        sentence = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8")))
        assert sentence or module.endswith(("pages", "parts")) or not file.read_text(encoding="utf-8"), f"{module} has no docstring"


@pytest.mark.parametrize("module", [module for module in CORE if package_of(module)])
def test_imports_run_one_way(module: str) -> None:
    own = package_of(module)
    row = next(number for number, packages in enumerate(ROWS) if own in packages)
    allowed = {own} | {package for packages in ROWS[:row] for package in packages}
    imported = {package_of(name) for name in imports_of(CORE[module], typing=True) if name.startswith("fmnist_core.")}
    assert imported <= allowed
    assert not top_level(imports_of(CORE[module], typing=True)) & {"pages", "dashboard", "tests", "streamlit"}


def test_no_circle_inside_a_package_either() -> None:
    graph = {module: imports_of(file) & set(SOURCES) - {module} for module, file in SOURCES.items()}
    # `fmnist_core` itself imports its names lazily, and every module of the core imports it as a parent package.
    graph["fmnist_core"] = set()
    graphlib.TopologicalSorter(graph).prepare()


def test_packages_below_the_network_do_not_import_pytorch() -> None:
    packages = {package for row in ROWS[: next(number for number, row in enumerate(ROWS) if "network" in row)] for package in row}
    below = [module for module in CORE if package_of(module) in packages]
    importers = [module for module in below if "torch" in top_level(imports_of(CORE[module], typing=True))]
    assert importers == ["fmnist_core.dataset.torch_dataset"]


def test_listing_runs_and_waiting_need_no_pytorch() -> None:
    modules = [module for module in CORE if package_of(module) in (*WITHOUT_TORCH, "", "__main__")]
    modules.remove("fmnist_core.dataset.torch_dataset")
    assert "torch" not in modules_after(f"import {', '.join(modules)}")


def test_the_core_never_imports_streamlit() -> None:
    assert "streamlit" not in modules_after(f"import {', '.join(CORE)}")


def test_only_the_store_uses_the_database() -> None:
    assert [module for module in SOURCES if "sqlite3" in imports_of(SOURCES[module]) and package_of(module) != "store"] == []


@pytest.mark.parametrize("module", PAGES)
def test_a_page_uses_shared_parts_components_and_its_own(module: str) -> None:
    """A page imports no other page and no other page's parts; shared parts and components import no page's parts."""
    where = module.split(".")[1:]
    own = where[1:2] if where[:1] == ["parts"] else where[:1]
    allowed = {"shared", "components", *own}
    if own in (["shared"], ["components"]):
        allowed = {"components", *own}
    imported = [name.split(".") for name in imports_of(PAGES[module], typing=True) if name.startswith("pages.")]
    assert {name[2] for name in imported if name[1] == "parts" and len(name) > 2} <= allowed
    assert {name[1] for name in imported} <= {"parts"}


def test_no_two_pages_have_a_widget_of_the_same_key() -> None:
    """Otherwise the choice on one page becomes the state of another's widget, which may not understand it."""
    pages_of: dict[str, set[str]] = {}
    for module, file in PAGES.items():
        page = module.split(".")[2] if module.startswith("pages.parts.") else module.split(".")[-1]
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call):
                bound = node.args[:1] if ast.unparse(node.func) == "bind" else []
                for key in [*bound, *(keyword.value for keyword in node.keywords if keyword.arg == "key")]:
                    if isinstance(key, ast.Constant) and isinstance(key.value, str):
                        pages_of.setdefault(key.value, set()).add(page)
    assert {"source", "source_code", "item"} <= pages_of.keys()
    shared = {key: pages for key, pages in pages_of.items() if len(pages) > 1}
    assert shared == {"item": {"predict", "look_inside"}}, "the number of a test image is kept from page to page, nothing else"


@pytest.mark.parametrize("module", SOURCES)
def test_no_pickle_is_ever_loaded(module: str) -> None:
    assert not {"pickle", "joblib", "shelve", "marshal"} & top_level(imports_of(SOURCES[module]))
    code = re.sub(r"\.eval\(\)", "", SOURCES[module].read_text(encoding="utf-8"))
    assert not re.search(r"(?<!safetensors\.)torch\.load\(|allow_pickle|\beval\(|\bexec\(", code)


@pytest.mark.parametrize("module", SOURCES)
def test_no_javascript_and_no_css_in_python_strings(module: str) -> None:
    tree = ast.parse(SOURCES[module].read_text(encoding="utf-8"))
    strings = [node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]
    assert [
        text for text in strings if re.search(r"=>\s*\{|addEventListener|\bfunction\s*\(|<script|^\s*[.#]?[\w-]+\s*\{\s*[\w-]+\s*:", text)
    ] == []


def test_no_pages_url_equals_its_file_name() -> None:
    pages = re.findall(r'st\.Page\("pages/(\w+)\.py", title="([^"]+)".*url_path="(\w+)"', (ROOT / "dashboard.py").read_text())
    assert sorted(stem for stem, _title, _url in pages) == sorted(file.stem for file in (ROOT / "pages").glob("[a-z]*.py"))
    assert all(stem != url for stem, _title, url in pages)


def test_links_know_the_addresses_of_pages() -> None:
    pages = re.findall(r'st\.Page\("pages/(\w+)\.py".*url_path="(\w+)"', (ROOT / "dashboard.py").read_text())
    assert ADDRESSES.items() <= dict(pages).items()
    sources = [file.read_text(encoding="utf-8") for file in PAGES.values()]
    linked = {page for source in sources for page in re.findall(r'page_link\(\s*"(?:pages/)?(\w+)(?:\.py)?"', source)}
    assert linked == {"train", "runs"}, "and those that are named in tables"
    assert linked <= set(ADDRESSES)


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_requirement_is_pinned(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    assert lines
    assert all(re.fullmatch(r"[\w-]+==[\w.]+", line) for line in lines)


def test_everything_the_dashboard_imports_is_in_the_requirements() -> None:
    """A package that happens to be installed, or that only the tests require, would be missing on a new machine."""
    required = {line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines() if "==" in line}
    names = {"cv2": "opencv-python-headless", "PIL": "pillow"}
    imported = {name for file in SOURCES.values() for name in top_level(imports_of(file))}
    foreign = imported - set(sys.stdlib_module_names) - {"fmnist_core", "pages"}
    assert {names.get(name, name) for name in foreign} <= required


def test_ci_runs_the_readmes_test_command() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(r"^```sh\n(.+?)\n```$", readme, flags=re.MULTILINE | re.DOTALL)
    assert "streamlit run dashboard.py" in commands[0]
    assert commands[1].endswith("pytest")
    assert commands[1] in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_the_readmes_file_tree_matches_the_files() -> None:
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
    code = {str(file.relative_to(ROOT).as_posix()) for file in SOURCES.values() if file.name != "__init__.py"}
    assert code - named == set()
