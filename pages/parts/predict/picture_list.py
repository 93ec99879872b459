"""The pictures that a person has uploaded or photographed; they exist in this session only."""

import hashlib
from dataclasses import dataclass, field

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from fmnist_core.pictures.opening import SUFFIXES, PictureError, open_picture
from fmnist_core.store.text import shorten, visible_line
from pages.parts.shared.upload_limits import MAX_FILE_MB, allow_uploads, free
from pages.parts.shared.wording import escape

MAX_PICTURES = 50
_MAX_NAME_LENGTH = 80
_KEPT_SIDE_PX = 480  # 50 of them take 35 MB at most
_LIST = "picture_list"  # outlives the page, unlike the widgets
_UPLOADER = "upload"


@dataclass(frozen=True, eq=False)
class Picture:
    """A picture, at most 480 pixels a side, its name, and an id that identifies its content."""

    id: str
    name: str
    image: Image.Image


@dataclass(eq=False)
class PictureList:
    """The pictures of one source, and a sentence for each file that is not a picture."""

    pictures: dict[str, Picture] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)  # ids in the uploader when the page last ran


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
    st.caption(
        "Choose, drop or paste up to 50 pictures. They stay in this browser session only, and nothing is saved unless you download it."
    )
    for file in files or []:
        _take(kept, file)
    kept.listed = {file.file_id for file in files or []}
    if (kept.pictures or kept.problems) and not files:
        st.button("Remove the pictures", icon=":material/delete:", on_click=lambda: st.session_state.pop(f"{_LIST} upload", None))
    if refusal:  # the uploader shows a number only
        st.error(refusal, icon=":material/warning:")
    _show_problems(kept)
    return kept


def ask_for_photo() -> PictureList:
    """Shows the camera and returns the latest photo."""
    kept = _kept("camera")
    allow_uploads()
    photo = st.camera_input("Hold one item of clothing in front of the camera, or lay it down", key="camera")
    st.caption(
        "The photo stays in this browser session only. Browsers open the camera only on https:// and localhost pages; "
        "elsewhere, choose Upload, where a phone offers its own camera."
    )
    if photo is not None and photo.file_id not in kept.listed:
        kept.pictures.clear()
        kept.problems.clear()
        kept.listed = {photo.file_id}
        _take(kept, photo)
    _show_problems(kept)
    return kept


def _kept(source: str) -> PictureList:
    kept: PictureList = st.session_state.setdefault(f"{_LIST} {source}", PictureList())
    return kept


def _take(kept: PictureList, file: UploadedFile) -> None:
    """Opens a new file and keeps a small version of it, or the reason why it cannot be used; its own bytes are freed."""
    if file.file_id in kept.pictures or file.file_id in kept.problems:
        return
    _open(kept, file)
    free(file)


def _open(kept: PictureList, file: UploadedFile) -> None:
    name = shorten(visible_line(file.name), _MAX_NAME_LENGTH)
    if len(kept.pictures) >= MAX_PICTURES:
        kept.problems[file.file_id] = f"{name} was not added: the limit is {MAX_PICTURES} pictures. Remove some first."
        return
    try:
        content = file.getvalue()
        image = open_picture(content, name)
        image.thumbnail((_KEPT_SIDE_PX, _KEPT_SIDE_PX))
        kept.pictures[file.file_id] = Picture(hashlib.sha256(content).hexdigest()[:16], name, image)
    except PictureError as error:
        kept.problems[file.file_id] = str(error)


def _drop_removed() -> None:
    """Drops the pictures that the person has removed from the uploader."""
    kept = _kept("upload")
    for file_id in kept.listed - {file.file_id for file in st.session_state[_UPLOADER] or []}:
        kept.pictures.pop(file_id, None)
        kept.problems.pop(file_id, None)


def _show_problems(kept: PictureList) -> None:
    for sentence in kept.problems.values():
        st.error(escape(sentence), icon=":material/warning:")
