"""Puts into the wheel what lies outside the packages: the built viewer and the engine's pom.xml."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class IncludeBuiltParts(BuildHookInterface[Any]):
    """Adds `web/dist` as `arete_graphql/static` and `pom.xml` as `arete_queries/engine/pom.xml`."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fills the file list of a wheel; an editable install reads both from the checkout.

        Args:
            version: `standard` for a real wheel, `editable` for a development one.
            build_data: What hatchling builds from; `force_include` maps files to places in the wheel.

        Raises:
            FileNotFoundError: If the viewer has not been built.
        """
        if version != "standard":
            return
        root = Path(self.root)
        if not (root / "web" / "dist" / "index.html").is_file():
            raise FileNotFoundError("web/dist holds no viewer: run `make web` before building a wheel")
        build_data["force_include"][str(root / "web" / "dist")] = "arete_graphql/static"
        build_data["force_include"][str(root / "pom.xml")] = "arete_queries/engine/pom.xml"
