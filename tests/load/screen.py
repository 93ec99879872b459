"""What a simulated browser tab shows: the elements that the server has sent, and what can be clicked among them."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from streamlit.proto.Button_pb2 import Button
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from streamlit.proto.WidgetStates_pb2 import WidgetState

FINISHED = (ForwardMsg.FINISHED_SUCCESSFULLY, ForwardMsg.FINISHED_FRAGMENT_RUN_SUCCESSFULLY)
_CACHED_RUNS = 2  # runs of the script for which a browser keeps a large message that it does not see again


@dataclass(frozen=True)
class Click:
    """What the browser sends when something is clicked: the widget's new state, and its fragment, "" for none."""

    state: WidgetState
    fragment: str


@dataclass(frozen=True)
class _Placed:
    """An element on the page.

    Attributes:
        kind: its type, such as "button".
        content: the message of that type.
        run: in which run of the script it was sent.
        fragment: to which fragment it belongs, "" for none.
    """

    kind: str
    content: Any
    run: str
    fragment: str


class Screen:
    """What one tab shows, kept as a browser does.

    Attributes:
        page_hash, query: the page on show, and the URL's query.
        session_id: of Streamlit's session.
    """

    def __init__(self) -> None:
        self.page_hash, self.query, self.session_id = "", "", ""
        self._placed: dict[tuple[int, ...], _Placed] = {}
        self._large: dict[str, tuple[int, ForwardMsg]] = {}  # messages that the server need not send again, and when they were last seen
        self._run, self._runs = "", 0

    def take(self, message: ForwardMsg) -> str:
        """Takes the next message; returns what is wrong on the page since then, or ""."""
        message = self._look_up(message)
        match message.WhichOneof("type"):
            case "new_session":
                self._run = message.metadata.run.script_run_id
                self.page_hash = message.new_session.page_script_hash or self.page_hash
                self.session_id = message.new_session.initialize.session_id or self.session_id
            case "navigation":
                self.page_hash = message.navigation.page_script_hash or self.page_hash
            case "page_info_changed":
                self.query = message.page_info_changed.query_string
            case "page_not_found":
                return f"page not found: {message.page_not_found.page_name}"
            case "delta":
                return self._place(message)
            case "script_finished":
                self._end_run(message)
        return ""

    def large_hashes(self) -> list[str]:
        """The large messages that the browser still has."""
        return list(self._large)

    def buttons(self, *labels: str) -> list[Click]:
        """The enabled buttons whose label contains one of these."""
        return [
            Click(WidgetState(id=content.id, trigger_value=True), placed.fragment)
            for placed, content in self._of(Button)
            if not content.disabled and any(label in content.label for label in labels)
        ]

    def button(self, label: str) -> Click | None:
        """The enabled button with this label; None if there is none."""
        exact = [placed for placed, content in self._of(Button) if content.label == label and not content.disabled]
        return Click(WidgetState(id=exact[0].content.id, trigger_value=True), exact[0].fragment) if exact else None

    def fill(self, label: str, text: str) -> Click | None:
        """Typing a text into the field with this label; None if there is none."""
        for placed in self._placed.values():
            if placed.kind == "text_input" and placed.content.label == label:
                return Click(WidgetState(id=placed.content.id, string_value=text), placed.fragment)
        return None

    def cells(self, component: str, size: int, rng: random.Random) -> list[Click]:
        """A random cell of a square table of buttons, if the page has this component."""
        found = [placed for placed in self._placed.values() if placed.kind == "bidi_component"]
        event = json.dumps([{"event": "cell", "value": [rng.randrange(size), rng.randrange(size)]}])
        return [
            Click(WidgetState(id=f"$$STREAMLIT_INTERNAL_KEY_{placed.content.id}__events", json_trigger_value=event), placed.fragment)
            for placed in found
            if component in placed.content.component_name
        ]

    def options(self, label: str) -> list[Click]:
        """The options of a segmented control."""
        clicks = []
        for placed in self._placed.values():
            if placed.kind == "button_group" and placed.content.label == label:
                for option in placed.content.options:
                    state = WidgetState(id=placed.content.id)
                    state.string_array_value.data.append(option.content)
                    clicks.append(Click(state, placed.fragment))
        return clicks

    def shows(self, text: str) -> bool:
        """Whether a heading, a paragraph or a message contains this text."""
        return any(text in shown for shown in self.texts())

    def texts(self, *kinds: str) -> list[str]:
        """The texts of all headings, paragraphs and messages; or of these kinds only."""
        wanted = kinds or ("heading", "markdown", "alert")
        return [placed.content.body for placed in self._placed.values() if placed.kind in wanted]

    def pictures(self) -> set[str]:
        """The addresses of the pictures on this server that the page refers to."""
        lists = [placed.content.imgs for placed in self._placed.values() if placed.kind == "imgs"]
        return {image.url for images in lists for image in images if image.url.startswith("/")}

    def _of(self, kind: type[Button]) -> Iterator[tuple[_Placed, Button]]:
        for placed in self._placed.values():
            if isinstance(placed.content, kind):
                yield placed, placed.content

    def _look_up(self, message: ForwardMsg) -> ForwardMsg:
        """The message that a short one stands for."""
        if message.metadata.cacheable:
            self._large[message.hash] = (self._runs, message)
        if message.WhichOneof("type") != "ref_hash":
            return message
        known = ForwardMsg()
        known.CopyFrom(self._large[message.ref_hash][1])
        self._large[message.ref_hash] = (self._runs, known)
        known.metadata.CopyFrom(message.metadata)
        return known

    def _place(self, message: ForwardMsg) -> str:
        path = tuple(message.metadata.delta_path)
        if message.delta.WhichOneof("type") != "new_element":
            return ""
        element = message.delta.new_element
        kind = element.WhichOneof("type") or "empty"
        content = getattr(element, kind)
        self._placed[path] = _Placed(kind, content, self._run, message.delta.fragment_id)
        return f"exception: {content.type} {content.message}"[:200] if kind == "exception" else ""

    def _end_run(self, message: ForwardMsg) -> None:
        """Removes what the run that has ended did not draw again."""
        if message.script_finished not in FINISHED:
            return
        run = message.metadata.run
        fragments = set(run.fragment_ids)
        self._placed = {
            path: placed
            for path, placed in self._placed.items()
            if placed.run == run.script_run_id or (fragments and placed.fragment not in fragments)
        }
        self._runs += 1
        self._large = {
            key: (seen, large)
            for key, (seen, large) in self._large.items()
            if self._runs - seen <= _CACHED_RUNS or (fragments and large.delta.fragment_id not in fragments)
        }
