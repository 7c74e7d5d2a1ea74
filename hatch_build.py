"""Compiles the counting kernels, and puts into the wheel what lies outside the packages: viewer and pom.xml."""

import importlib.util
import sysconfig
from pathlib import Path
from types import ModuleType
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

KERNELS = "ingest/arete_ingest/native"


class IncludeBuiltParts(BuildHookInterface[Any]):
    """Adds kernels, `web/dist` as `arete_graphql/static` and `pom.xml` as `arete_queries/engine/pom.xml`.

    Where the kernels cannot be compiled the install goes on: counting is slower then, and says why.
    """

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fills the file list of a wheel; an editable install reads all from the checkout.

        Args:
            version: `standard` for a real wheel, `editable` for a development one.
            build_data: What hatchling builds from; `force_include` maps files to places in the wheel, `artifacts` are
                files taken although git ignores them.

        Raises:
            FileNotFoundError: If the viewer has not been built.
        """
        root = Path(self.root)
        if version == "standard" and not (root / "web" / "dist" / "index.html").is_file():
            raise FileNotFoundError("web/dist holds no viewer: run `make web` before building a wheel")
        build = _build_module(root)
        reason = build.build(root / KERNELS)
        if reason:
            self.app.display_warning(f"counting kernels were not compiled, counting will be slow: {reason}")
        if version != "standard":
            return
        build_data["artifacts"] += [f"{KERNELS}/*.so", f"{KERNELS}/{build.FAILURE}"]
        if not reason:  # compiled code, but none that knows Python: for every Python of this platform
            build_data["pure_python"] = False
            build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
        build_data["force_include"][str(root / "web" / "dist")] = "arete_graphql/static"
        build_data["force_include"][str(root / "pom.xml")] = "arete_queries/engine/pom.xml"


def _build_module(root: Path) -> ModuleType:
    """Loads the kernels' build, which lies in a package that may not be importable yet."""
    path = root / KERNELS / "build.py"
    spec = importlib.util.spec_from_file_location("arete_kernels_build", path)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(f"{path} is missing")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
