import re
from pathlib import Path

import pytest

from pages.parts.components.component import bundle

COMPONENTS = Path(__file__).parents[2] / "pages" / "parts" / "components"
SCRIPTS = sorted(COMPONENTS.glob("*/*.js"))


def test_a_bundle_is_the_imported_files_followed_by_the_script(tmp_path: Path) -> None:
    (tmp_path / "shared.js").write_text("export const ONE = 1;\nexport function two() {}\n")
    (tmp_path / "part").mkdir()
    script = tmp_path / "part" / "part.js"
    script.write_text("import { ONE, two } from '../shared.js';\n\nexport default function () { two(ONE); }\n")
    assert bundle(script) == "const ONE = 1;\nfunction two() {}\n\n\nexport default function () { two(ONE); }\n"


def test_an_import_of_a_missing_file_fails(tmp_path: Path) -> None:
    script = tmp_path / "part.js"
    script.write_text("import { x } from './missing.js';\n")
    with pytest.raises(FileNotFoundError, match=r"missing\.js"):
        bundle(script)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_bundled_component_imports_nothing_and_exports_one_function(script: Path) -> None:
    text = bundle(script)
    assert not re.search(r"^\s*import\b", text, re.MULTILINE)
    assert len(re.findall(r"^export ", text, re.MULTILINE)) == 1
    assert "export default function" in text
    declared = re.findall(r"^(?:async )?(?:function|const|let|class) (\w+)", text, re.MULTILINE)
    assert len(set(declared)) == len(declared), "two files declare the same name"


def test_each_component_has_its_four_files() -> None:
    for folder in (script.parent for script in SCRIPTS):
        assert {f"{folder.name}.{kind}" for kind in ("py", "js", "css", "html")} <= {file.name for file in folder.iterdir()}
