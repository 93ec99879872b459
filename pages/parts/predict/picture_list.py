"""The pictures that a person has uploaded or photographed; they exist in this session only."""

import hashlib
import io
from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fmnist_core.pictures.opening import SUFFIXES, PictureError, open_picture
from fmnist_core.store.text import shorten, visible_line
from pages.parts.components.tab_memory.tab_memory import File, show_tab_memory
from pages.parts.shared.upload_limits import MAX_FILE_MB, allow_uploads, free
from pages.parts.shared.wording import escape

MAX_PICTURES = 50
_MAX_NAME_LENGTH = 80
_KEPT_SIDE_PX = 480  # 50 of them take 35 MB at most
_SMALL_FILE_BYTES = 300_000  # a file this small, of a picture this small, is kept as it is
_LIST = "picture_list"  # outlives the page, unlike the widgets
_UPLOADER = "upload"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, at most 480 pixels a side, its name, an id that identifies its content, and its file, which the tab keeps."""

    id: str
    name: str
    image: Image.Image
    file: bytes


@dataclass(eq=False)
class PictureList:
    """The pictures of one source, and a sentence for each file that is not a picture.

    Attributes:
        listed: ids in the uploader when the page last ran.
        is_known: whether the tab's memory is to follow this list; until then it may have pictures that are to come back.
    """

    pictures: dict[str, Picture] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    is_known: bool = False


def ask_for_uploads() -> PictureList:
    """Shows the uploader and returns what was uploaded, even after a visit to another page."""
    kept = _kept("upload")
    refusal = allow_uploads()
    files = st.file_uploader(
        "One item of clothing per picture",
        type=SUFFIXES,
        accept_multiple_files=True,
        key=_UPLOADER,
        on_change=_drop_removed,
        max_upload_size=MAX_FILE_MB,
        help="It works best when the item fills the picture and lies on a surface of another colour.",
    )
    with st.container(key="upload_hint", horizontal=True):
        st.caption(f"Up to {MAX_PICTURES} pictures. Only you see them; nothing is saved on the server.", width="content")
        memory = st.container(width="content")
    with st.container(key="upload_refused"):  # shown once the browser, which refuses such files itself, has marked one in red
        st.markdown(
            f":material/warning: The file marked in red is larger than {MAX_FILE_MB} MB or not a picture. Choose a smaller copy, such as a "
            "screenshot of it."
        )
    for file in files or []:
        _take(kept, file)
    kept.listed = {file.file_id for file in files or []}
    kept.is_known = kept.is_known or bool(kept.pictures)
    small = [(picture.name, picture.file) for picture in kept.pictures.values()]
    with memory:
        show_tab_memory(small if kept.is_known else None, key="uploads", on_return=lambda files: take_back_files(_kept("upload"), files))
    if (kept.pictures or kept.problems) and not files:
        st.button("Remove the pictures", icon=":material/delete:", on_click=_forget)
    if refusal:  # the uploader shows a number only
        st.error(refusal, icon=":material/warning:")
    _show_only_problem(kept)
    return kept


def photos() -> PictureList:
    """The latest photo of this session, if there is one, even after a visit to another page."""
    return _kept("camera")


def keep_photo(content: bytes) -> None:
    """Opens a photo as if it were uploaded, and keeps a small version of it, or the reason why it cannot be used, in place of the last."""
    kept = photos()
    kept.pictures.clear()
    kept.problems.clear()
    _open(kept, "photo", "Your photo", content)


def drop_photo() -> None:
    """Forgets the photo."""
    st.session_state.pop(f"{_LIST} camera", None)


def _kept(source: str) -> PictureList:
    kept: PictureList = st.session_state.setdefault(f"{_LIST} {source}", PictureList())
    return kept


def _take(kept: PictureList, file: UploadedFile) -> None:
    """Opens a new file and keeps a small version of it, or the reason why it cannot be used; its own bytes are freed."""
    if file.file_id in kept.pictures or file.file_id in kept.problems:
        return
    _open(kept, file.file_id, file.name, file.getvalue())
    free(file)


def _open(kept: PictureList, file_id: str, name: str, content: bytes) -> None:
    name = shorten(visible_line(name), _MAX_NAME_LENGTH)
    if len(kept.pictures) >= MAX_PICTURES:
        kept.problems[file_id] = f"{name} was not added: the limit is {MAX_PICTURES} pictures. Remove some first."
        return
    try:
        kept.pictures[file_id] = _shrink(name, content)
    except PictureError as error:
        kept.problems[file_id] = str(error)


def _shrink(name: str, content: bytes) -> Picture:
    """The picture as its small file shows it, so that the answer is the same when the file comes back after a reload."""
    image = open_picture(content, name)
    if max(image.size) > _KEPT_SIDE_PX or len(content) > _SMALL_FILE_BYTES:
        image.thumbnail((_KEPT_SIDE_PX, _KEPT_SIDE_PX))
        content = _encode(image)
        image = open_picture(content, name)
    return Picture(hashlib.sha256(content).hexdigest()[:16], name, image, content)


def _encode(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    if file.tell() > _SMALL_FILE_BYTES // 2 and image.mode == "RGB":
        file = io.BytesIO()
        image.save(file, "JPEG", quality=92, subsampling=0)  # of a photograph, a third of the PNG
    return file.getvalue()


def take_back_files(kept: PictureList, files: Sequence[File]) -> None:
    """Opens what the tab had kept before a reload, as carefully as an upload."""
    kept.is_known = True
    for number, (name, content) in enumerate(files[:MAX_PICTURES]):
        _open(kept, f"returned {number}", name, content)


def _forget() -> None:
    st.session_state[f"{_LIST} upload"] = PictureList(is_known=True)


def _drop_removed() -> None:
    """Drops the pictures that the person has removed from the uploader."""
    kept = _kept("upload")
    for file_id in kept.listed - {file.file_id for file in st.session_state[_UPLOADER] or []}:
        kept.pictures.pop(file_id, None)
        kept.problems.pop(file_id, None)


def _show_only_problem(kept: PictureList) -> None:
    """Says why the only file cannot be used; of several, the table does."""
    if len(kept.pictures) + len(kept.problems) > 1:
        return
    for sentence in kept.problems.values():
        st.error(escape(sentence), icon=":material/warning:")
