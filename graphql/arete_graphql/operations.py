"""Which documents are answered: any, or those of the viewer alone.

The viewer's build writes `operations.json`: each text that it sends, by the operation's name. A service that strangers
reach can be told to answer nothing else; then what it costs is known beforehand.
"""

import json
import logging
from pathlib import Path

from arete_core.errors import AreteError, SettingError

FILE = "operations.json"
OTHER = "other"
"""What an operation is called that is none of the viewer's; names of callers' own would fill the metrics."""

log = logging.getLogger("arete.api")


class OperationNotAllowedError(AreteError):
    """The document is none of those that this service answers."""

    code = "OPERATION_NOT_ALLOWED"


class Operations:
    """The viewer's operations.

    Args:
        folder: The built viewer.
        only: Answer nothing else.

    Attributes:
        texts: Their texts by name; none where the viewer was not built.

    Raises:
        SettingError: If nothing else is to be answered and the list cannot be read.
    """

    def __init__(self, folder: Path, *, only: bool) -> None:
        self._only = only
        try:
            self.texts: dict[str, str] = _read(folder / FILE)
        except (OSError, ValueError) as error:
            if only:
                raise SettingError(
                    f"the list of the viewer's operations {folder / FILE} cannot be read: {error}",
                    hint="build the viewer with `make web`, or serve with `--operations any`",
                ) from None
            self.texts = {}
        self._names = {text: name for name, text in self.texts.items()}

    def name_of(self, query: str | None) -> str:
        """Returns the name of the operation that a text is, where it is one of the viewer's.

        Args:
            query: The document, exactly as sent.

        Returns:
            Its name, or `OTHER`.

        Raises:
            OperationNotAllowedError: If it is none of the viewer's and nothing else is answered.
        """
        name = self._names.get(query or "")
        if name is None and self._only:
            raise OperationNotAllowedError(
                "this service answers the viewer's own operations only",
                hint="start it with `--operations any` to ask it anything",
            )
        return name or OTHER


def _read(path: Path) -> dict[str, str]:
    found = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ValueError("a JSON object of names and texts was expected")
    return found
