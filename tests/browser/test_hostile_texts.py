"""Hostile names, messages, links, file names and folders in Chromium: each is shown as it is, and nothing is made of it.

The tests read what a page shows; that no page asks another machine for anything, the fixture `new_page` checks.
"""

import contextlib
import json
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import FilePayload, Page, TimeoutError, expect

from fmnist_core.classroom.notes import MAX_NOTE_LENGTH, write_note
from fmnist_core.classroom.people import Person, person_id, rename_person
from fmnist_core.dataset.split import Split
from fmnist_core.exports.report import export_html
from fmnist_core.figures.run_charts import draw_accuracy, draw_loss
from fmnist_core.runs.history import RunHistory
from fmnist_core.runs.names import MAX_NAME_LENGTH
from fmnist_core.runs.record import RunRecord, State
from tests.browser.conftest import Server, open_page, place_of, start_server, visitor_of, wait_until_still
from tests.conftest import write_idx
from tests.hostile_texts import ALL, ALL_SHOWN, HOSTILE, LONG, NAMES
from tests.written_runs import epoch_done, started, step_done, write_run

LOSSES = step_done(4, [2.0, 1.5, 1.0, 0.5], 1.0)
PARAMETERS = (
    *("split", "class", "count", "seed", "image", "view", "mistakes", "cell", "test_image", "part", "look", "way", "kernel", "channel"),
    *("numbers", "item", "item_class", "stage", "preset", "changes", "axis", "log", "smoothing", "compare", "pin", "source", "start"),
    *("doodle", "doodle_class", "pad_item", "fill", "embed", "embed_options"),
)
DATA_FOLDER = ":smile: www.evil.example $x$ **b** [a](b) <i> &lt; a@evil.example :material_skull:"
# What a page must not contain: links to other hosts, their pictures, formulas and icons.
_INJECTED = """() => [...document.querySelectorAll('a[href], img, iframe, form[action], .katex, [aria-label="skull icon"]')]
  .filter((e) => !e.href || (new URL(e.href).host !== location.host && !e.href.startsWith('https://medium.com/ml2vec/')))
  .filter((e) => !(e.tagName === 'IMG' && /^(data:|blob:)|^http:\\/\\/localhost:/.test(e.src) && e.alt !== 'Streamlit logo'))
  .map((e) => e.outerHTML.slice(0, 200))"""
_TEXT = "() => document.querySelector('[data-testid=\"stApp\"]').innerText"
# A page may be drawn twice in a row, so what should be on it is waited for: in the text of the elements that a selector finds.
_HAS = """([selector, shown]) => {
  const texts = [...document.querySelectorAll(selector)].map((e) => (e.innerText ?? e.textContent).replaceAll('\u2060', ''));
  const all = texts.join(' ').split(/\\s+/).join(' ');
  return shown.every((text) => all.includes(text));
}"""
_NEXT_FRAMES = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Iterator[Page]:
    dialogs: list[str] = []
    opened = new_page()
    opened.on("dialog", lambda dialog: dialogs.append(dialog.message))
    yield opened
    assert dialogs == []


@pytest.fixture(scope="module")
def server(small_splits: tuple[Split, Split], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A dashboard whose data lie in a folder with a hostile name; they are few, because the pages are opened often."""
    folder = tmp_path_factory.mktemp("hostile") / DATA_FOLDER
    folder.mkdir()
    for split, stem in zip(small_splits, ("train", "t10k"), strict=True):
        write_idx(folder / f"{stem}-images-idx3-ubyte", split.images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte", split.labels)
    with start_server(folder.parent / "home", FMNIST_DATA=str(folder)) as running:
        yield running


@pytest.fixture
def server_home(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Lets this test write runs into the server's home; they are moved out of it afterwards."""
    monkeypatch.setenv("FMNIST_HOME", str(server.home))
    yield
    (server.home / "runs").rename(server.home / f"runs-{len(list(server.home.iterdir()))}")


def name_run(run: RunRecord, name: str) -> None:
    """Writes a name into a run's file, past all that cleans names."""
    file = run.folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"name": name}))


def write_named(name: str, state: State = "failed", **about: Any) -> RunRecord:
    """A run of one epoch with this name; `about` as for `write_run`."""
    run = write_run([started(device=ALL), LOSSES, epoch_done(1, 4, 1.0)], state, epoch=1, test_accuracy=0.8, **about)
    name_run(run, name)
    return run


def text_of(page: Page) -> str:
    """What a person reads on the page."""
    return plain(str(page.evaluate(_TEXT)))


def plain(text: str) -> str:
    """A text without the word joiners that keep Streamlit from finding addresses and icons, and with single spaces."""
    return " ".join(text.replace("\u2060", "").split())


def wait_for(page: Page, selector: str, *shown: str) -> None:
    """Waits for texts in what a selector finds; whoever calls it asserts that they are there, which says what is missing."""
    with contextlib.suppress(TimeoutError):
        page.wait_for_function(_HAS, arg=[selector, list(shown)])


def check_nothing_is_made_of_it(page: Page) -> None:
    assert page.evaluate(_INJECTED) == []
    expect(page.get_by_test_id("stException")).to_have_count(0)


def check_shown(page: Page, *shown: str) -> None:
    """Asserts that each of these texts can be read on the page as it is, and that nothing else has become of them."""
    wait_for(page, '[data-testid="stApp"]', *shown)
    text = text_of(page)
    assert [each for each in shown if each not in text] == []
    check_nothing_is_made_of_it(page)


@pytest.mark.usefixtures("server_home")
def test_names_on_home(server: Server, page: Page) -> None:
    """Two live runs, the visitor's network, the best one with its owner, the visitor's own name, and the folder of the data."""
    open_page(page, server, "/")
    me = rename_person(visitor_of(page), NAMES[1])
    other = rename_person(Person(person_id("another browser")), NAMES[0])
    write_named(NAMES[3], "finished", has_weights=True, owner=other)  # of two that are equally good, the first is the best
    write_named(NAMES[0], "finished", has_weights=True, owner=me)
    for name in NAMES[1:3]:
        write_named(name, "paused", owner=me)
    open_page(page, server, "/")
    expect(page.get_by_text("on its way through")).to_be_visible()
    check_shown(
        page,
        *(f"Your run {name} is paused:" for name in NAMES[1:3]),
        f"newest network, {NAMES[0]}, classifies",
        f"The best one here, {NAMES[3]}, by {other.name}, classifies",
        f"through {NAMES[0]}:",
        f"/{DATA_FOLDER}.",
    )
    assert me.name in plain(page.locator(".st-key-header_tools").inner_text())


@pytest.mark.usefixtures("server_home")
def test_an_ended_run_and_those_it_is_compared_with(server: Server, page: Page) -> None:
    """Its name, message and device, the words of the charts, whose legends are drawn on a canvas, and both lists of runs."""
    others = [write_named(name) for name in NAMES[1:]]
    run = write_named(NAMES[0], message=ALL)
    open_page(page, server, f"/training?run={run.id}&compare={','.join(other.id for other in others)}")
    wait_until_still(page)
    check_shown(page, f"{NAMES[0]} · Failed", f"The run failed. {ALL_SHOWN}", f"Computed in float32 on {ALL_SHOWN}.")
    for key in ("live_loss", "live_accuracy"):
        words = plain(str(page.locator(f".st-key-{key}").get_by_role("img").first.get_attribute("aria-label")))
        assert [name for name in NAMES[1:] if name not in words] == []
    page.get_by_role("button", name="View").click()
    expect(page.get_by_test_id("stMultiSelect")).to_be_visible()
    chips = [plain(text) for text in page.get_by_test_id("stMultiSelect").locator("[data-tag]").all_inner_texts()]
    assert [name for name in NAMES[1:] if name not in chips] == []
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("stMultiSelect")).to_have_count(0)
    list_of_runs = page.get_by_role("combobox", name="Run to show")
    list_of_runs.scroll_into_view_if_needed()
    page.evaluate(_NEXT_FRAMES)  # a list that is open closes when the page scrolls
    list_of_runs.click()
    expect(page.get_by_role("option")).to_have_count(len(NAMES))
    lines = [plain(text) for text in page.get_by_role("option").all_inner_texts()]
    assert [name for name in NAMES if not any(line.startswith(f"{name} · ") for line in lines)] == []
    check_nothing_is_made_of_it(page)


@pytest.mark.usefixtures("server_home")
def test_a_live_run_and_one_it_is_compared_with(server: Server, page: Page) -> None:
    """ECharts draws names on a canvas, but shows them as HTML at the pointer. Another live run is a line below."""
    other = write_named(NAMES[3])
    owner = rename_person(Person(person_id("another browser")), NAMES[2])
    write_named(NAMES[0], "training", owner=owner)
    run = write_named(NAMES[1], "training")
    page.goto(f"{server.url}/training?run={run.id}&compare={other.id}")
    chart = page.get_by_role("img", name="loss against step")
    expect(chart).to_be_visible()
    check_shown(page, f"{NAMES[1]} · Training", f"{owner.name} trains “{NAMES[0]}” (")
    box = place_of(chart)
    page.mouse.move(box["x"] + box["width"] / 3, box["y"] + box["height"] / 2)
    expect(page.get_by_text("each batch")).to_be_visible()
    check_shown(page, NAMES[3])


@pytest.mark.usefixtures("server_home")
def test_what_trains_on_teacher(server: Server, page: Page) -> None:
    """The names of live runs and of their owner, also in what is shown at the pointer."""
    owner = rename_person(Person(person_id("another browser")), NAMES[2])
    for name in NAMES:
        write_named(name, "paused", owner=owner)
    open_page(page, server, "/lesson")
    check_shown(page, *(f"{name} by {owner.name} · paused" for name in NAMES))
    page.locator('[class*="st-key-stop_2"]').get_by_role("button").first.hover()
    expect(page.get_by_test_id("stTooltipContent")).to_be_visible()
    check_nothing_is_made_of_it(page)


@pytest.mark.usefixtures("server_home")
def test_names_notes_and_owners_on_runs(server: Server, page: Page) -> None:
    """The chosen runs, the fields for name and note, both charts, the table of differences, and what was deleted."""
    open_page(page, server, "/samples")
    me = rename_person(visitor_of(page), NAMES[3])
    runs = [write_named(name, "finished", has_weights=True, owner=me) for name in NAMES]
    note = ALL_SHOWN[:MAX_NOTE_LENGTH]
    write_note(runs[0].id, note, by=me)
    open_page(page, server, f"/trainings?chosen={','.join(run.id for run in runs)}")
    wait_until_still(page)
    wait_for(page, '[data-testid="stMultiSelect"] [data-tag]', *NAMES)
    chips = [plain(text) for text in page.get_by_test_id("stMultiSelect").first.locator("[data-tag]").all_inner_texts()]
    assert sorted(chips) == sorted(NAMES)
    wait_for(page, ".legendtext", *NAMES)
    legends = [plain(text) for text in page.locator(".legendtext").all_text_contents()]
    assert [name for name in NAMES if not any(name in legend for legend in legends)] == []
    check_nothing_is_made_of_it(page)
    open_page(page, server, f"/trainings?chosen={runs[0].id}")
    expect(page.get_by_role("textbox", name="Name")).to_have_value(NAMES[0])
    expect(page.get_by_role("textbox", name="Note")).to_have_value(note.strip())
    page.get_by_role("button", name="Delete", exact=True).click()
    check_shown(page, f"{NAMES[0]} was deleted")


@pytest.mark.usefixtures("server_home")
def test_names_on_the_class_board(server: Server, page: Page) -> None:
    """Who is here, and whose runs train, wait, are the best and the newest."""
    open_page(page, server, "/class")
    people = [rename_person(Person(person_id(f"browser {number}")), name) for number, name in enumerate(NAMES)]
    for person in people:
        write_named(NAMES[0], "finished", has_weights=True, owner=person)
        write_named(NAMES[1], "training", owner=person)
    page.reload()
    board = ".st-key-board"
    wait_for(page, board, *(person.name for person in people))
    text = plain(page.locator(board).inner_text())
    assert [person.name for person in people if person.name not in text] == []
    check_nothing_is_made_of_it(page)


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("", ""),
        ("samples", ""),
        ("training", "![x](http://evil.example/i.png)"),
        ("evaluation", "[Open](http://evil.example) :smile: -> x"),
        ("kernels", ":red[evil] :material/skull: $x^2$ **b**"),
        ("prediction", "www.evil.example a@evil.example <b>&lt;"),
    ],
)
@pytest.mark.usefixtures("server_home")
def test_links(server: Server, page: Page, path: str, asked: str) -> None:
    """The link's run is quoted, every other parameter ignored if it is not a choice; and a run's name stands in the list of runs."""
    open_page(page, server, "/samples")
    write_named(NAMES[2], "finished", has_weights=True, owner=visitor_of(page))
    others = "&".join(f"{name}={quote(ALL)}" for name in PARAMETERS)
    open_page(page, server, f"/{path}?{others}&run={quote(asked)}")
    if not asked:
        check_nothing_is_made_of_it(page)
        return
    check_shown(page, f"({asked}). Choose another.")
    chosen = page.get_by_role("combobox", name="Network")
    if path != "training":
        expect(chosen).to_have_value(re.compile(f"^{re.escape(NAMES[2])} · 80.00 % · "))


def test_uploaded_files(server: Server, page: Page) -> None:
    """Every text as the name of a file that is not a picture; and of one in which no garment can be found."""
    open_page(page, server, "/prediction?run=starter&source=Upload")
    grey = BytesIO()
    Image.fromarray(np.full((40, 40), 90, np.uint8)).save(grey, "PNG")
    names = [text for text, shown in HOSTILE.items() if text == shown and not set('/\\"') & set(text)]  # others do not arrive as they are
    files: list[FilePayload] = [{"name": f"{name}.png", "mimeType": "image/png", "buffer": b"text"} for name in names]
    good: FilePayload = {
        "name": ":smile: $x$ **b** www.evil.example a@evil.example.png",
        "mimeType": "image/png",
        "buffer": grey.getvalue(),
    }
    page.locator('input[type="file"]').set_input_files([*files, good])
    expect(page.get_by_text("the same shade everywhere")).to_be_visible()
    page.get_by_text("files not taken").first.click()
    expect(page.get_by_text(".png is not a picture").last).to_be_visible()
    check_shown(page, *(f"{name}.png is not a picture" for name in names), f"{good['name']}: ")


def test_typed_values(server: Server, page: Page) -> None:
    open_page(page, server, "/training")
    page.get_by_text("More settings", exact=True).click()
    for typed in ("1 ![x](http://evil.example/i.png)", "2 :smile: www.evil.example :material/skull:"):
        page.get_by_role("textbox", name="Label smoothing").fill(typed)
        page.keyboard.press("Enter")
        expect(page.get_by_text(f'"{typed[:2]}')).to_be_visible()
        check_shown(page, f'The label smoothing "{typed[:40]}" is not a number')


def test_the_downloaded_page(page: Page) -> None:
    run = write_named(NAMES[3])
    history = RunHistory()
    history.read_new(run)
    figures = [draw(history, others=[(name, history) for name in NAMES]) for draw in (draw_loss, draw_accuracy)]
    page.set_content(export_html(ALL, ALL, figures))
    expect(page.get_by_role("heading")).to_have_text(ALL_SHOWN)
    assert page.locator("p").inner_text() == ALL_SHOWN
    legends = page.locator(".legendtext").all_text_contents()
    assert [name for name in NAMES if name not in legends or f"{name}, test accuracy" not in legends] == []
    assert page.locator("a, p *, h1 *, svg image").count() == page.locator(".modebar a").count()


@pytest.mark.usefixtures("server_home")
def test_a_name_without_end_is_cut_and_wrapped(server: Server, new_page: Callable[..., Page]) -> None:
    run = write_named(LONG, "finished", has_weights=True)
    page = new_page(viewport={"width": 390, "height": 844})
    for path in ("/", f"/training?run={run.id}", f"/trainings?chosen={run.id}", "/class"):
        open_page(page, server, path)
        wait_until_still(page)
        check_shown(page, LONG[:MAX_NAME_LENGTH])
        assert page.evaluate("() => document.querySelector('[data-testid=\"stMain\"]').scrollWidth") == 390
