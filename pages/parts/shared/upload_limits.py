"""How much may be uploaded, by whom, and for how long the server keeps it.

Streamlit keeps every file that is sent to its upload address until the session ends, whether a page asked for it or not. Here a
session may upload only while its page shows an uploader. A page frees a file's bytes once it has made its small
copy. What no page has taken a minute after the session's last upload is dropped.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

MB = 1_000_000
MAX_SESSION_BYTES = 400 * MB  # 50 photographs, as many as a page takes, of 8 MB, which is a large one from a phone
MAX_TOTAL_BYTES = 1000 * MB  # what a machine of 4 GB can spare; bytes are held for seconds, so thirty people rarely share it
MAX_FILE_MB = 20  # of one file, unless a page allows more
MAX_SESSION_FILES = 200  # four times what a page takes; each costs memory even when it is empty
GRACE_S = 60.0  # a browser tells the page of its files once all have arrived, and the page's own run may have to wait its turn

NOT_ASKED = "No page of this session asks for files: open Predict, choose Upload, and try again."
SESSION_FULL = f"These uploads are more than {MAX_SESSION_BYTES // MB} MB together: send fewer or smaller pictures at once."
SERVER_FULL = "The server is busy with other people's uploads: try again in a minute."
TOO_LARGE = "This file is larger than this page takes: up to {} MB."
TOO_MANY = f"This session holds {MAX_SESSION_FILES} files already: remove some from the list, or reload the page."


class FileStore(Protocol):
    """The part of Streamlit's file manager that is needed here."""

    def remove_file(self, session_id: str, file_id: str) -> None: ...


@dataclass
class _File:
    size: int = 0  # bytes received; 0 once the page has taken them
    is_arriving: bool = True


@dataclass
class _Session:
    files: dict[str, _File] = field(default_factory=dict)
    may_upload: bool = False
    max_file_mb: int = MAX_FILE_MB
    shown_in_this_run: bool = False
    active_at_s: float = 0.0
    refusal: str = ""  # why an upload was refused of which the page has not told yet

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files.values())

    @property
    def is_receiving(self) -> bool:
        return any(file.is_arriving for file in self.files.values())


class UploadLimits:
    """Counts the bytes of every session's uploads. All methods may be called from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sessions: dict[str, _Session] = {}
        self._clock = clock
        self._lock = threading.Lock()

    @property
    def total(self) -> int:
        """Bytes held for all sessions."""
        with self._lock:
            return self._total()

    def begin_run(self, session_id: str) -> None:
        """A page of this session begins to run."""
        with self._lock:
            if session_id in self._sessions:
                self._sessions[session_id].shown_in_this_run = False

    def allow(self, session_id: str, max_file_mb: int = MAX_FILE_MB) -> None:
        """The page shows an uploader, so this session may upload files of this size."""
        with self._lock:
            session = self._sessions.setdefault(session_id, _Session())
            session.may_upload = session.shown_in_this_run = True
            session.max_file_mb = max_file_mb

    def end_run(self, session_id: str, store: FileStore) -> None:
        """The page has run to its end: if it showed no uploader, what had been uploaded is dropped."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session and not session.shown_in_this_run:
                session.may_upload = False
                self._drop(session_id, store, [name for name, file in session.files.items() if not file.is_arriving])

    def begin_upload(self, session_id: str, file_id: str, announced: int) -> str:
        """An upload begins; returns why it is refused, or "".

        Args:
            announced: its size in bytes as the browser gives it, 0 if unknown.
        """
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or not session.may_upload:
                return NOT_ASKED
            # A browser gives each file an id of its own; nothing may be replaced while its bytes are counted.
            is_too_many = len(session.files) >= MAX_SESSION_FILES or file_id in session.files
            problem = TOO_MANY if is_too_many else self._problem(session, announced, announced)
            if not problem:
                session.files[file_id] = _File()
                session.active_at_s = self._clock()
            session.refusal = problem or session.refusal
            return problem

    def receive(self, session_id: str, file_id: str, size: int) -> str:
        """Some more bytes have arrived; returns why the rest is refused, or ""."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or file_id not in session.files:
                return NOT_ASKED
            session.active_at_s = self._clock()
            session.files[file_id].size += size
            problem = self._problem(session, 0, session.files[file_id].size)
            session.refusal = problem or session.refusal
            return problem

    def end_upload(self, session_id: str, file_id: str, store: FileStore, *, is_stored: bool) -> None:
        """An upload has ended; it is dropped if it was refused, or if its page has been left meanwhile."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session is None or file_id not in session.files:
                store.remove_file(session_id, file_id)
                return
            session.files[file_id].is_arriving = False
            if not (is_stored and session.may_upload):
                self._drop(session_id, store, [file_id])

    def tell_refusal(self, session_id: str) -> str:
        """Why the latest refused upload of this session was refused, once; "" afterwards."""
        with self._lock:
            session = self._sessions.get(session_id, _Session())
            refusal, session.refusal = session.refusal, ""
            return refusal

    def forget(self, session_id: str, file_id: str) -> None:
        """The person has removed a file."""
        with self._lock:
            if session_id in self._sessions:
                self._sessions[session_id].files.pop(file_id, None)

    def take(self, session_id: str, file_id: str) -> None:
        """The page has what it needs of a file, whose bytes no longer count."""
        with self._lock:
            session = self._sessions.get(session_id)
            if session and file_id in session.files:
                session.files[file_id].size = 0

    def sweep(self, store: FileStore, is_active: Callable[[str], bool]) -> None:
        """Drops what no page has taken in time, and everything of sessions that have ended."""
        with self._lock:
            for session_id, session in list(self._sessions.items()):
                if session.is_receiving or self._clock() - session.active_at_s <= GRACE_S:
                    continue
                ended = not is_active(session_id)
                self._drop(session_id, store, [name for name, file in session.files.items() if ended or file.size])
                if ended:
                    del self._sessions[session_id]

    def _total(self) -> int:
        return sum(session.size for session in self._sessions.values())

    def _problem(self, session: _Session, more: int, file_size: int) -> str:
        if file_size > (session.max_file_mb + 1) * 2**20:  # a browser sends a little more than the file
            return TOO_LARGE.format(session.max_file_mb)
        if session.size + more > MAX_SESSION_BYTES:
            return SESSION_FULL
        return SERVER_FULL if self._total() + more > MAX_TOTAL_BYTES else ""

    def _drop(self, session_id: str, store: FileStore, file_ids: list[str]) -> None:
        for file_id in file_ids:
            self._sessions[session_id].files.pop(file_id, None)
            store.remove_file(session_id, file_id)


LIMITS = UploadLimits()  # of this server


def begin_page_run() -> None:
    """To be called before a page runs."""
    context = get_script_run_ctx()
    if context:
        LIMITS.begin_run(context.session_id)


def allow_uploads(max_file_mb: int = MAX_FILE_MB) -> str:
    """To be called where a page shows an uploader; returns why an upload was refused since the last run, or ""."""
    context = get_script_run_ctx()
    if context is None:
        return ""
    LIMITS.allow(context.session_id, max_file_mb)
    return LIMITS.tell_refusal(context.session_id)


def end_page_run() -> None:
    """To be called after a page has run to its end; not after one that was interrupted, which may not have reached its uploader."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        LIMITS.end_run(context.session_id, context.uploaded_file_mgr)


def free(file: UploadedFile) -> None:
    """Frees the bytes of a file of which the page has what it needs; the uploader still lists the file, which is empty from now on."""
    context = get_script_run_ctx()
    if context and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.add_file(context.session_id, UploadedFileRec(file.file_id, file.name, file.type, b""))
        LIMITS.take(context.session_id, file.file_id)
    file.close()  # the session's state holds this object, and so its bytes, until the next run
