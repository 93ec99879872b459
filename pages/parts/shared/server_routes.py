"""What the server answers besides pages: whether the teacher has changed something, and archives to download."""

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Route

from fmnist_core.classroom.archives import NAME_PATTERN
from fmnist_core.classroom.lesson import lesson_version
from fmnist_core.classroom.people import person_id
from fmnist_core.classroom.teacher import is_teacher
from fmnist_core.runs.folders import archives_folder
from fmnist_core.store.database import DatabaseError
from pages.parts.shared.visitor_cookie import COOKIE, is_secret

LESSON, ARCHIVES = "live/lesson", "archives"
_NOT_CACHED = {"cache-control": "no-store"}


def server_routes() -> list[Route]:
    """The routes, for the app."""
    return [Route(f"/{LESSON}", _answer_version), Route(f"/{ARCHIVES}/{{name}}", _send_archive)]


def _answer_version(_request: Request) -> Response:
    """The version of the lesson, which thirty browsers ask for every three seconds."""
    try:
        return PlainTextResponse(lesson_version(), headers=_NOT_CACHED)
    except DatabaseError as error:
        return PlainTextResponse(str(error), 503, headers=_NOT_CACHED)


def _send_archive(request: Request) -> Response:
    """An archive, block by block from the disk, for the teacher only."""
    secret = request.cookies.get(COOKIE, "")
    try:
        may_download = is_teacher(person_id(secret) if is_secret(secret) else "")
    except DatabaseError as error:
        return PlainTextResponse(str(error), 503, headers=_NOT_CACHED)
    if not may_download:
        return PlainTextResponse("Only the teacher can download an archive.", 403)
    name = request.path_params["name"]
    file = archives_folder() / name
    if not NAME_PATTERN.fullmatch(name) or not file.is_file():
        return PlainTextResponse("There is no such archive: it may have been deleted.", 404)
    return FileResponse(file, filename=name, media_type="application/zip", headers=_NOT_CACHED)
