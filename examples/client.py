"""Asks a running Arête, with Python's standard library alone: `python3 client.py [http://127.0.0.1:8700]`."""

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any


class ApiError(Exception):
    """What the service says went wrong: a code for programs, a message and a hint for people."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.code: str = error["extensions"]["code"]
        self.hint: str = error["extensions"]["hint"]


class Arete:
    """A connection to the service.

    Args:
        url: Its address, without `/graphql`.
        tries: How often a question is asked while the service is busy or its database away.
    """

    def __init__(self, url: str, tries: int = 5) -> None:
        self._url = url.rstrip("/") + "/graphql"
        self._tries = tries

    def ask(self, query: str, **variables: Any) -> dict[str, Any]:
        """Sends a query; returns its data.

        Raises:
            ApiError: If the service answers with an error.
        """
        for attempt in range(1, self._tries + 1):
            try:
                return self._ask_once(query, variables)
            except ApiError as error:
                if error.code not in ("BUSY", "DATABASE_UNAVAILABLE") or attempt == self._tries:
                    raise
                time.sleep(attempt)
        raise AssertionError("every try returns or raises")

    def _ask_once(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(self._url, body, {"Content-Type": "application/json"})  # noqa: S310
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - the address that was given
                content = json.load(answer)
        except urllib.error.HTTPError as refused:  # an error with a status of its own has the same body
            content = json.load(refused)
        if "errors" in content:
            raise ApiError(content["errors"][0])
        return content["data"]


CLASSES = """query Classes($run: ID!, $after: String) {
  run(id: $run) { classes(first: 20, after: $after) { nodes { id name } pageInfo { hasNextPage endCursor } } }
}"""

COMPARE = """query Compare($a: ID!, $b: ID!) {
  compare(a: $a, b: $b, mass: 0.2) { layers { layer onlyA shared onlyB jaccard } }
}"""


def classes_of(arete: Arete, run: str) -> Iterator[dict[str, Any]]:
    """Gives all classes of a run, page after page."""
    after = None
    while True:
        page = arete.ask(CLASSES, run=run, after=after)["run"]["classes"]
        yield from page["nodes"]
        if not page["pageInfo"]["hasNextPage"]:
            return
        after = page["pageInfo"]["endCursor"]


def main() -> None:
    """Prints how much the first two classes of the newest run share, layer by layer."""
    arete = Arete(sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8700")
    runs = arete.ask("{ runs { id } }")["runs"]
    if not runs:
        sys.exit("no run is loaded: try `arete demo`")
    run = runs[0]["id"]
    classes = list(classes_of(arete, run))
    print(f"{run}: {len(classes)} classes")
    a, b = classes[0], classes[1]
    print(f"{a['name']} and {b['name']}:")
    for layer in arete.ask(COMPARE, a=a["id"], b=b["id"])["compare"]["layers"]:
        share = "  -" if layer["jaccard"] is None else f"{layer['jaccard']:4.0%}"
        print(f"  {layer['layer']}: {layer['onlyA']} / {layer['shared']} / {layer['onlyB']}  {share}")
    try:
        arete.ask('{ class(id: "no-such-run/0") { name } }')
    except ApiError as error:
        print(f"{error.code}: {error} ({error.hint})")


if __name__ == "__main__":
    main()
