"""What `import fmnist_core` offers, and the program in the README that uses it."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fmnist_core
from tests.conftest import ROOT


def run_python(*arguments: str, **environment: str) -> str:
    """What a new Python process prints; a warning or an error fails the test."""
    command = [sys.executable, "-W", "error", *arguments]
    result = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stderr) == (0, "")
    return result.stdout


def typed_imports() -> dict[str, str]:
    """The names that a type checker sees in the package, with the modules they come from."""
    tree = ast.parse(Path(fmnist_core.__file__).read_text(encoding="utf-8"))
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {name.name: str(node.module) for node in imports for name in node.names}


@pytest.mark.parametrize("name", fmnist_core.__all__)
def test_every_public_name_is_what_the_type_checker_sees(name: str) -> None:
    module = typed_imports()[name]
    assert getattr(fmnist_core, name) is getattr(sys.modules[module], name)


def test_there_are_no_other_public_names() -> None:
    assert sorted(typed_imports()) == sorted(fmnist_core.__all__)
    with pytest.raises(AttributeError, match="has no attribute 'learn'"):
        _ = fmnist_core.learn


def test_importing_the_package_loads_no_pytorch_and_dir_lists_the_names() -> None:
    program = (
        "import sys, fmnist_core; print('torch' in sys.modules, *set(fmnist_core.__all__) - set(dir(fmnist_core)), 'torch' in sys.modules)"
    )
    assert run_python("-c", program).split() == ["False", "False"]


def test_the_readmes_program_runs_as_printed(small_data: Path, home: Path, tmp_path: Path) -> None:
    """On 500 training and 200 test images, so that it takes seconds."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)
    programs = [block for block in blocks if re.search(r"^from fmnist_core import ", block, re.MULTILINE)]
    assert len(programs) == 1, "README.md should hold one Python program with `from fmnist_core import …`"
    file = tmp_path / "program.py"
    file.write_text(programs[0], encoding="utf-8")
    printed = run_python(str(file), FMNIST_DATA=str(small_data), FMNIST_HOME=str(home), PYTHONPATH=str(ROOT))
    assert re.search(r"accuracy\D*\d+\.\d+ ?%", printed), f"it does not print the test accuracy: {printed}"
    assert not home.exists(), "it leaves files behind"
