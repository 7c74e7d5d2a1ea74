"""What the viewer asks, as written in its sources."""

import re
from pathlib import Path

FOLDER = Path(__file__).parents[1] / "web" / "src" / "lib" / "api" / "operations"
TEXTS = {path.stem: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("*.graphql"))}
FRAGMENTS = {
    match[1]: text for text in TEXTS.values() for match in [re.search(r"^fragment (\w+) on", text, re.M)] if match
}
OPERATIONS = {name: text for name, text in TEXTS.items() if re.search(r"^(query|mutation)\b", text, re.M)}


def whole(text: str) -> str:
    """Returns an operation with the fragments that it spreads, and that these spread."""
    wanted: list[str] = []
    left = [text]
    while left:
        for name in re.findall(r"\.\.\.\s*(\w+)", left.pop()):
            if name in FRAGMENTS and name not in wanted:
                wanted.append(name)
                left.append(FRAGMENTS[name])
    return "\n".join([text, *(FRAGMENTS[name] for name in wanted)])
