"""Serves the built viewer: a single page with its scripts, styles and pictures, from one folder."""

import os
from pathlib import Path, PurePosixPath

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import PathLike, StaticFiles
from starlette.types import Scope

from arete_graphql.pictures import FOREVER, REVALIDATE

_PACKAGED = Path(__file__).resolve().parent / "static"
_CHECKOUT = Path(__file__).resolve().parents[2] / "web" / "dist"

_HASHED = "assets/"
"""Vite puts every file whose name holds its content's hash here."""

_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Arête: the viewer has not been built</title>
<h1>The viewer has not been built</h1>
<p>Arête runs, and its API answers at <code>/graphql</code>, but the files of the viewer are missing.</p>
<p>In a checkout, build them with <code>make web</code> and reload this page.</p>
</html>
"""


def viewer_folder() -> Path:
    """Returns where the built viewer lies: in the package if it was built into it, else in the checkout."""
    return _PACKAGED if (_PACKAGED / "index.html").is_file() else _CHECKOUT


class Viewer(StaticFiles):
    """The viewer's files.

    An address that is no file is the page itself when its last part holds no dot, so that a link into the viewer
    opens; else it is missing.

    Args:
        folder: The built viewer; may appear later.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(directory=folder, check_dir=False)
        self._index = folder / "index.html"
        # The folder may be built while the service runs, so its absence at the first request is no error.
        self.config_checked = True

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answers a request for a file or for the page."""
        if scope["method"] not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        try:
            return await super().get_response(path, scope)
        except HTTPException as error:
            if error.status_code != 404 or "." in PurePosixPath(scope["path"]).name or "\0" in scope["path"]:
                raise
        if not self._index.is_file():
            return HTMLResponse(_NOT_BUILT, status_code=503, headers={"Cache-Control": "no-store"})
        return await super().get_response("index.html", scope)

    def file_response(
        self, full_path: PathLike, stat_result: os.stat_result, scope: Scope, status_code: int = 200
    ) -> Response:
        """Adds how long a file may be kept."""
        response = super().file_response(full_path, stat_result, scope, status_code)
        path = Path(full_path).relative_to(os.path.realpath(str(self.directory))).as_posix()
        response.headers["Cache-Control"] = FOREVER if path.startswith(_HASHED) else REVALIDATE
        return response

    def is_not_modified(self, response_headers: Headers, request_headers: Headers) -> bool:
        """Compares entity tags alone: a file date of one second's precision misses a quick rebuild."""
        return "if-none-match" in request_headers and super().is_not_modified(response_headers, request_headers)
