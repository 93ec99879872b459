"""A simulated browser tab: it opens a page, clicks, polls what the page polls, and fetches the pictures that the page refers to."""

import asyncio
import contextlib
import time
from dataclasses import dataclass, field
from http.cookies import SimpleCookie

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

from tests.load.figures import Tally
from tests.load.http_requests import HttpConnection
from tests.load.screen import FINISHED, Click, Screen

HOST = "localhost"
PATIENCE_S = 90.0
_XSRF_COOKIE, _NO_TOKEN = "_streamlit_xsrf", "PLACEHOLDER_AUTH_TOKEN"
_BEFORE_THE_PAGE = ("/", "/_stcore/health", "/_stcore/host-config")  # what Streamlit's front end asks for before its websocket


class NoAnswer(Exception):
    """The server closed the connection, or did not answer in time."""


@dataclass
class _Awaited:
    """The run of the script that answers a click.

    Attributes:
        fragment: that the run is of, "" for the whole page.
        runs: the ids of such runs that have begun since the click.
        done: the moment when one of them had ended.
    """

    fragment: str
    runs: set[str] = field(default_factory=set)
    done: "asyncio.Future[float]" = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def begin(self, run: str, fragments: list[str]) -> None:
        if not fragments or self.fragment in fragments:  # the server may answer for a fragment by running the whole page
            self.runs.add(run)


class Browser:
    """One tab. Its times and problems go to the tally.

    Args:
        name: what the tally calls its page.
        cookies: those of the person whose tab it is; of a new person if None.
    Attributes:
        screen: what it shows.
        seen_s: for each text to look for, how many seconds after the last click or opening it was first on the page; None before.
    """

    def __init__(self, port: int, tally: Tally, name: str, cookies: SimpleCookie | None = None) -> None:
        self.screen, self.name = Screen(), name
        self.seen_s: dict[str, float | None] = {}
        self._port, self._tally = port, tally
        self._http, self._http_lock = HttpConnection(HOST, port, cookies), asyncio.Lock()
        self._fetched: set[str] = set()
        self._socket: websockets.ClientConnection | None = None
        self._timers: dict[str, asyncio.Task[None]] = {}
        self._reading: asyncio.Task[None] | None = None
        self._fetches: set[asyncio.Task[None]] = set()
        self._polled_s: dict[str, float] = {}
        self._awaited: _Awaited | None = None
        self._url, self._asked_s = "", 0.0

    async def open(self, page: str, query: str = "") -> float:
        """Opens a page, as with a link; returns the seconds from the page's request for its content until it is complete.

        Raises:
            NoAnswer: if the server does not answer.
        """
        await self._disconnect()
        self.screen, self._url = Screen(), f"http://{HOST}:{self._port}/{page}?{query}"
        self.screen.query = query
        try:
            async with self._http_lock:
                for path in _BEFORE_THE_PAGE:
                    await asyncio.to_thread(self._http.get, path)
            await self._connect()
        except (OSError, websockets.WebSocketException) as error:
            raise NoAnswer(f"no connection ({type(error).__name__})") from error
        took_s = await self._ask(None, page)
        self._tally.opened_s[self.name].append(took_s)
        return took_s

    async def click(self, click: Click) -> float:
        """Clicks on something; returns the seconds until its answer is complete.

        Raises:
            NoAnswer: if the server does not answer.
        """
        took_s = await self._ask(click)
        self._tally.click_s[self.name].append(took_s)
        return took_s

    async def see(self) -> None:
        """Waits until all pictures on the page have arrived."""
        await asyncio.gather(*self._fetches, return_exceptions=True)

    async def close(self) -> None:
        """Closes the tab."""
        await self._disconnect()
        self._http.close()

    async def _disconnect(self) -> None:
        socket, self._socket = self._socket, None
        self._stop_polling()
        if socket is not None:
            try:
                with contextlib.suppress(OSError, websockets.WebSocketException):
                    await socket.close()
            finally:
                socket.transport.abort()  # does nothing, unless the server or a cancellation has kept it from being closed
        if self._reading is not None:
            self._reading.cancel()
            (ended,) = await asyncio.gather(self._reading, return_exceptions=True)
            if isinstance(ended, Exception):  # a message that this tab does not understand; a cancellation is none
                self._tally.problems[f"{self.name}: {ended!r}"] += 1
        await self.see()  # a thread that fetches a picture would open the connection again after it has been closed

    async def _connect(self) -> None:
        token = self._http.cookie(_XSRF_COOKIE) or _NO_TOKEN
        self._socket = await websockets.connect(
            f"ws://{HOST}:{self._port}/_stcore/stream",
            subprotocols=[websockets.Subprotocol("streamlit"), websockets.Subprotocol(token)],
            origin=websockets.Origin(f"http://{HOST}:{self._port}"),
            additional_headers={"Cookie": self._http.cookies},
            max_size=None,
        )
        self._reading = asyncio.create_task(self._read(self._socket))

    async def _ask(self, click: Click | None, page: str = "") -> float:
        socket = self._connected()
        if socket is None:
            raise NoAnswer("the connection is closed")
        fragment = "" if click is None else click.fragment
        self._awaited, self._asked_s = _Awaited(fragment), time.perf_counter()
        message = self._message(fragment)
        message.rerun_script.page_name = page
        if click is not None:
            message.rerun_script.widget_states.widgets.append(click.state)
        try:
            await socket.send(message.SerializeToString())
            async with asyncio.timeout(PATIENCE_S):  # before Python 3.12, `wait_for` may swallow a cancellation
                return await self._awaited.done - self._asked_s
        except websockets.WebSocketException as error:
            raise NoAnswer("the connection was closed") from error
        except TimeoutError:
            raise NoAnswer(f"no answer for {PATIENCE_S:.0f} s") from None
        finally:
            self._awaited = None

    def _connected(self) -> websockets.ClientConnection | None:
        """The connection, as long as what the server sends is read."""
        return None if self._reading is None or self._reading.done() else self._socket

    def _message(self, fragment: str) -> BackMsg:
        message = BackMsg()
        state = message.rerun_script
        state.query_string, state.page_script_hash, state.fragment_id = self.screen.query, self.screen.page_hash, fragment
        state.cached_message_hashes.extend(self.screen.large_hashes())
        state.context_info.url, state.context_info.timezone, state.context_info.locale = self._url, "Europe/London", "en-GB"
        return message

    async def _read(self, socket: websockets.ClientConnection) -> None:
        try:
            async for content in socket:
                assert isinstance(content, bytes)
                self._tally.received_bytes += len(content)
                await self._take(ForwardMsg.FromString(content))
        except websockets.WebSocketException as error:
            self._tally.problems[f"{self.name}: connection lost ({type(error).__name__})"] += 1
        finally:
            self._stop_polling()
            if self._awaited is not None and not self._awaited.done.done():
                self._awaited.done.set_exception(NoAnswer("the connection was closed"))

    async def _take(self, message: ForwardMsg) -> None:
        problem = self.screen.take(message)
        if problem:
            self._tally.problems[f"{self.name}: {problem}"] += 1
        run, awaited = message.metadata.run, self._awaited
        match message.WhichOneof("type"):
            case "new_session":
                if not run.fragment_ids:
                    self._stop_polling()
                if awaited is not None:
                    awaited.begin(run.script_run_id, list(run.fragment_ids))
            case "auto_rerun":
                self._poll(message.auto_rerun.fragment_id, message.auto_rerun.interval)
            case "stop_auto_rerun":
                for fragment in message.stop_auto_rerun.fragment_ids:
                    self._stop_polling(fragment)
            case "script_finished":
                self._end_run(message)
            case "delta":
                self._look_for_texts()

    def _look_for_texts(self) -> None:
        for text, at_s in self.seen_s.items():
            if at_s is None and self.screen.shows(text):
                self.seen_s[text] = time.perf_counter() - self._asked_s

    def _end_run(self, message: ForwardMsg) -> None:
        now_s, run, awaited = time.perf_counter(), message.metadata.run, self._awaited
        for fragment in run.fragment_ids:
            asked_s = self._polled_s.pop(fragment, None)
            if asked_s is not None:
                self._tally.poll_s.append(now_s - asked_s)
        if awaited is not None and run.script_run_id in awaited.runs and not awaited.done.done():
            if message.script_finished in FINISHED:
                awaited.done.set_result(now_s)
            elif message.script_finished == ForwardMsg.FINISHED_EARLY_FOR_RERUN:
                awaited.fragment = ""  # `st.rerun`: the whole page follows
            else:
                self._tally.problems[f"{self.name}: a script that cannot be compiled"] += 1
        for url in self.screen.pictures() - self._fetched:
            self._fetched.add(url)
            fetch = asyncio.create_task(self._fetch(url))
            self._fetches.add(fetch)
            fetch.add_done_callback(self._fetches.discard)

    async def _fetch(self, url: str) -> None:
        try:
            async with self._http_lock:
                status = str(await asyncio.to_thread(self._http.get, url))
        except OSError as error:
            status = type(error).__name__
        self._tally.pictures += 1
        if status != "200" and url in self.screen.pictures():  # not one that has been replaced meanwhile
            self._tally.problems[f"{self.name}: a picture was answered with {status}"] += 1

    def _poll(self, fragment: str, every_s: float) -> None:
        self._stop_polling(fragment)
        self._timers[fragment] = asyncio.create_task(self._keep_polling(fragment, every_s))

    async def _keep_polling(self, fragment: str, every_s: float) -> None:
        while (socket := self._connected()) is not None:
            await asyncio.sleep(every_s)
            message = self._message(fragment)
            message.rerun_script.is_auto_rerun = True
            self._polled_s.setdefault(fragment, time.perf_counter())
            with contextlib.suppress(websockets.WebSocketException):
                await socket.send(message.SerializeToString())

    def _stop_polling(self, fragment: str | None = None) -> None:
        for name in [fragment] if fragment is not None else list(self._timers):
            self._polled_s.pop(name, None)
            timer = self._timers.pop(name, None)
            if timer is not None:
                timer.cancel()
