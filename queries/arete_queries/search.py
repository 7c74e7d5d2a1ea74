"""Search over everything in a run: classes, channels, layers and groups.

Two statements: one finds every name and label that holds the text, so that any part of a word will do while typing; the
other asks the full-text index word by word, which forgives typing errors. The user's text never becomes Lucene syntax:
it is cut into words of letters, digits and underscores, in lower case, so that neither operators nor special characters
are left. While the index is missing or being built, the first statement alone answers.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, TypeAlias

from arete_core.errors import BadInput, DatabaseError, DatabaseUnavailableError
from arete_queries.arguments import check_first, check_text
from arete_queries.group_results import GroupInfo
from arete_queries.lists import get_run
from arete_queries.records import Map, channel_info, class_info, layer_info
from arete_queries.results import ChannelInfo, ClassInfo, LayerInfo
from arete_queries.runner import QueryRunner
from arete_queries.transaction import Row

MAX_TEXT = 200
_MAX_WORDS = 8
_WORD = re.compile(r"\w+")
_CHANNEL = re.compile(r"(?P<layer>\S+?)\s*[/ :]\s*(?P<channel>\d{1,6})")
_FUZZY_FROM = 4  # a word of three letters with one of them wrong is another word
_VERY_FUZZY_FROM = 8


class SearchKind(StrEnum):
    """What a search can find; the values are labels in the database."""

    CLASS = "Class"
    CHANNEL = "Channel"
    LAYER = "Layer"
    GROUP = "Group"


SearchItem: TypeAlias = ClassInfo | ChannelInfo | LayerInfo | GroupInfo

_PLACE = (SearchKind.GROUP, SearchKind.LAYER, SearchKind.CLASS, SearchKind.CHANNEL)


@dataclass(frozen=True)
class SearchHit:
    """One thing that was found. `name` is what to show, `score` how well it fits, above 0 up to 1."""

    kind: SearchKind
    id: str
    name: str
    score: float
    item: SearchItem


@dataclass(frozen=True)
class SearchResults:
    """Hits, best first. `complete` is False where the full-text index could not be asked yet."""

    hits: tuple[SearchHit, ...]
    complete: bool


async def search_run(
    runner: QueryRunner, run: str, text: str, *, kinds: Sequence[SearchKind] | None = None, first: int = 20
) -> SearchResults:
    """Finds things of a run by name, label or id.

    Args:
        runner: The database.
        run: The run's id.
        text: What to look for, up to 200 characters; empty finds nothing. `layer/channel` and `layer channel` find a
            channel.
        kinds: Only these kinds; all when None.
        first: How many at most, 1 to 500.

    Returns:
        What was found: whole names first, then whole words, beginnings, other parts, and what is spelt nearly so.

    Raises:
        NotFoundError: If there is no such run.
        BadInput: If an argument cannot be.
    """
    text, first = " ".join(check_text("text", text).split()), check_first(first)
    if len(text) > MAX_TEXT:
        raise BadInput(f"text: up to {MAX_TEXT} characters were expected, found {len(text)}", hint="a word is enough")
    if kinds is not None and not kinds:
        raise BadInput("kinds: at least one was expected", hint="leave it out for all of them")
    if not text:
        await get_run(runner, check_text("run", run))
        return SearchResults((), complete=True)
    wanted = list(dict.fromkeys(SearchKind(kind).value for kind in kinds or _PLACE))
    asked = {"run": check_text("run", run), "kinds": wanted, "first": first}
    match = _CHANNEL.fullmatch(text)
    channel = None if match is None else f"{run}/{match['layer']}/{int(match['channel'])}"
    rows = await runner.run("search_parts", asked | {"text": text, "channel": channel})
    complete, query = True, lucene_query(text)
    if query:
        try:
            rows += await runner.run("search_words", asked | {"query": query})
        except DatabaseUnavailableError:
            raise
        except DatabaseError:  # no such index, or it is being built
            complete = False
    if not rows:
        await get_run(runner, run)
    best = max((row["score"] for row in rows if "score" in row), default=1.0)
    found: dict[str, SearchHit] = {}
    for row in rows:
        if row["item"]["id"] not in found:
            hit = _hit(row, text, channel, row.get("score", 0.0) / best)
            found[hit.id] = hit
    order = sorted(found.values(), key=lambda hit: (-hit.score, _PLACE.index(hit.kind), len(hit.name), hit.id))
    return SearchResults(tuple(order[:first]), complete)


def lucene_query(text: str) -> str:
    """Returns a full-text query for things that hold all words of a text, or begin with them, or nearly so.

    Args:
        text: What a person typed; whatever it holds, it is taken for words.

    Returns:
        Lucene's syntax; empty where there is no word in the text.
    """
    clauses: list[str] = []
    for word in _WORD.findall(text.lower())[:_MAX_WORDS]:
        forms = [f"{word}^4", f"{word}*^2"]
        if len(word) >= _FUZZY_FROM:
            forms.append(f"{word}~{2 if len(word) >= _VERY_FUZZY_FROM else 1}")
        clauses.append(f"({' OR '.join(forms)})")
    return " AND ".join(clauses)


def _hit(row: Row, text: str, channel: str | None, nearness: float) -> SearchHit:
    kind, item = SearchKind(row["kind"]), row["item"]
    if kind is SearchKind.CHANNEL:
        name = str(item.get("label") or f"{item['layer']}/{item['index']}")
    else:
        name = str(item["name"])
    score = 1.0 if item["id"] == channel else _fit(name.lower(), text.lower()) or 0.5 * max(nearness, 0.01)
    return SearchHit(kind, item["id"], name, score, _item(kind, item, row["classes"]))


def _fit(name: str, text: str) -> float:
    """Returns how well a name that holds a text fits it; 0 where it does not."""
    if name == text:
        return 1.0
    if re.search(rf"(?<!\w){re.escape(text)}(?!\w)", name):
        return 0.9
    if name.startswith(text):
        return 0.8
    if re.search(rf"(?<!\w){re.escape(text)}", name):
        return 0.7
    return 0.6 if text in name else 0.0


def _item(kind: SearchKind, item: Map, classes: list[str]) -> SearchItem:
    makers: dict[SearchKind, Any] = {
        SearchKind.CLASS: class_info,
        SearchKind.CHANNEL: channel_info,
        SearchKind.LAYER: layer_info,
    }
    if kind is SearchKind.GROUP:
        return GroupInfo(item["id"], item["run"], item["name"], tuple(classes))
    return makers[kind](item)
