"""No page hands Streamlit, as Markdown, text that others wrote without `escape`; tests/browser/test_hostile_texts.py tries it out."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT

# The functions of Streamlit that read their texts as Markdown, and the arguments that they do not read so.
READS_MARKDOWN = {
    *("badge", "button", "caption", "checkbox", "error", "expander", "form_submit_button", "header", "image", "info", "markdown", "metric"),
    *("page_link", "pills", "popover", "progress", "radio", "segmented_control", "slider", "spinner", "status", "subheader", "success"),
    *("tabs", "title", "toast", "toggle", "warning", "write"),
}
PLAIN_ARGUMENTS = {"alt", "args", "icon", "key", "kwargs", "on_change", "on_click", "query_params", "width"}
FOREIGN_ATTRIBUTES = {"damage", "device", "filename", "folder", "message", "name", "precision", "problem", "query_params", "session_state"}
FOREIGN_NAMES = {"asked", "error", "folder", "problem"}
FOREIGN_CALLS = {"describe_run"}
OUR_OWN = {"preset", "step"}  # their names are in the code


def unescaped(code: str) -> list[str]:
    """What is foreign in the texts that this code shows, in the order of the code."""
    shown = []
    for call in ast.walk(ast.parse(code)):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in READS_MARKDOWN:
            texts = [*call.args, *(keyword.value for keyword in call.keywords if keyword.arg not in PLAIN_ARGUMENTS)]
            shown += [ast.unparse(node) for text in texts for node in foreign_parts(text)]
    return shown


def foreign_parts(node: ast.AST) -> Iterator[ast.AST]:
    match node:
        case ast.Call(func=ast.Name(id="escape")):
            return
        case ast.Call(func=ast.Name(id=name)) if name in FOREIGN_CALLS:
            yield node
        case ast.Name(id=name) if name in FOREIGN_NAMES:
            yield node
        case ast.Attribute(value=ast.Name(id=owner), attr=attribute) if attribute in FOREIGN_ATTRIBUTES and owner not in OUR_OWN:
            yield node
        case _:
            for inner in ast.iter_child_nodes(node):
                yield from foreign_parts(inner)


@pytest.mark.parametrize("file", [ROOT / "dashboard.py", *sorted((ROOT / "pages").rglob("*.py"))], ids=lambda file: file.name)
def test_pages_escape_what_others_wrote(file: Path) -> None:
    """It sees what stands in the call itself, not what a variable brings along."""
    assert unescaped(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("st.error(str(error), icon=':material/warning:')", ["error"]),
        ("words.info(f'{run.name} {escape(run.message)} {run.message}')", ["run.name", "run.message"]),
        ("st.warning('x ' + st.query_params['run'])", ["st.query_params"]),
        ("st.markdown(describe_run(run))", ["describe_run(run)"]),
        ("st.image(picture, caption=picture.name, alt=picture.name)", ["picture.name"]),
        ("st.write(escape(f'{run.name}: {error}'), preset.name)", []),
        ("st.selectbox('Run', names, format_func=lambda run: run.name)", []),
    ],
)
def test_what_is_found(code: str, found: list[str]) -> None:
    assert unescaped(code) == found
