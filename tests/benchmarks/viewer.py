"""Simulated viewers of the Train page, without browsers: Streamlit's protocol over a websocket."""

import asyncio
import threading
from dataclasses import dataclass

import websockets
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


@dataclass
class Seen:
    """What the server has sent to all viewers together."""

    updates: int = 0
    bytes: int = 0


def watch_training(port: int, run_id: str, viewers: int, stop: threading.Event) -> Seen:
    """Starts this many viewers, who watch the run until `stop` is set; returns at once, and the totals keep growing."""
    seen = Seen()

    async def watch() -> None:
        await asyncio.gather(*(_view(port, run_id, stop, seen) for _ in range(viewers)))

    threading.Thread(target=lambda: asyncio.run(watch()), daemon=True).start()
    return seen


async def _view(port: int, run_id: str, stop: threading.Event, seen: Seen) -> None:
    """One session: draws the page, then asks for each fragment as often as the page would."""
    address = f"ws://localhost:{port}/_stcore/stream"
    async with websockets.connect(
        address, subprotocols=[websockets.Subprotocol("streamlit")], max_size=None, origin=websockets.Origin(f"http://localhost:{port}")
    ) as socket:
        first = BackMsg()
        first.rerun_script.page_name = "training"
        first.rerun_script.query_string = f"run={run_id}"
        await socket.send(first.SerializeToString())
        page = ""
        timers: dict[str, asyncio.Task[None]] = {}

        async def refresh(fragment: str, every_s: float) -> None:
            while True:
                await asyncio.sleep(every_s)
                message = BackMsg()
                message.rerun_script.query_string = first.rerun_script.query_string
                message.rerun_script.page_script_hash = page
                message.rerun_script.fragment_id = fragment
                message.rerun_script.is_auto_rerun = True
                await socket.send(message.SerializeToString())

        while not stop.is_set():
            try:
                content = await asyncio.wait_for(socket.recv(), 0.5)
            except TimeoutError:
                continue
            seen.bytes += len(content)
            message = ForwardMsg()
            message.ParseFromString(content if isinstance(content, bytes) else content.encode())
            match message.WhichOneof("type"):
                case "navigation":
                    page = message.navigation.page_script_hash
                case "auto_rerun":
                    fragment = message.auto_rerun.fragment_id
                    if fragment in timers:
                        timers[fragment].cancel()
                    timers[fragment] = asyncio.create_task(refresh(fragment, message.auto_rerun.interval))
                case "script_finished":
                    seen.updates += 1
        for timer in timers.values():
            timer.cancel()
