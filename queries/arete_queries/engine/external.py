"""Looks at a Neo4j server that Arête did not start: which version it is, and whether it can rank with GDS."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from arete_core.errors import CapabilityError, DatabaseError, DatabaseUnavailableError, SettingError

_SCHEMES = ("bolt", "bolt+s", "bolt+ssc", "neo4j", "neo4j+s", "neo4j+ssc")
_LEAST_VERSION = (5, 26)


@dataclass(frozen=True, slots=True)
class ServerReport:
    """What a server is and can do.

    Attributes:
        url: As it was connected to.
        version: Of Neo4j: `5.26.31`, or `5.27-aura`.
        edition: `community` or `enterprise`.
        gds_version: Of the Graph Data Science library; None when the server has none.
    """

    url: str
    version: str
    edition: str
    gds_version: str | None

    @property
    def gds_missing(self) -> str:
        """What a user should know when there is no GDS; empty when there is."""
        if self.gds_version:
            return ""
        return (
            f"the Neo4j {self.version} at {self.url} has no Graph Data Science library: stored ranks are served, "
            "rankings with other settings are not"
        )

    def require_gds(self) -> None:
        """Does nothing when GDS is there.

        Raises:
            CapabilityError: It is not; the hint says how to install it.
        """
        if not self.gds_version:
            raise CapabilityError(
                self.gds_missing,
                hint="put the GDS plugin that fits this Neo4j into its plugins folder, set "
                "dbms.security.procedures.unrestricted=gds.* and restart; on Aura choose a plan with Graph Analytics",
            )


def check_external(url: str, user: str, password: str, *, database: str | None = None) -> ServerReport:
    """Connects to a server and asks what it is.

    Args:
        url: `bolt://`, `neo4j://`, or one of them with `+s` (encrypted) or `+ssc` (encrypted, self-signed).
        user: The user name.
        password: The password.
        database: The database that Arête shall use; None for the user's default.

    Returns:
        Version, edition and GDS. A missing GDS is no error here, see `ServerReport.require_gds`.

    Raises:
        SettingError: The URL is none of these.
        DatabaseUnavailableError: Nothing answers there.
        DatabaseError: It answers but refuses: wrong password, no such database, not allowed.
        CapabilityError: It is older than Neo4j 5.26.
    """
    parts = urlsplit(url)
    if parts.scheme not in _SCHEMES or not parts.hostname:
        expected = ", ".join(f"{scheme}://HOST:PORT" for scheme in _SCHEMES)
        raise SettingError(f"{url!r} is no URL of a Neo4j server, expected one of {expected}")
    if parts.username or parts.password:
        raise SettingError(
            "the URL of the Neo4j server holds a user name or password",
            hint="leave them out of the URL and give them as settings of their own, which are kept out of logs",
        )
    import neo4j
    from neo4j.exceptions import AuthError, ClientError, ConfigurationError, DriverError, Neo4jError

    try:
        # One look, no retries: whoever asks wants to know now.
        with neo4j.GraphDatabase.driver(
            url, auth=(user, password), connection_timeout=10.0, max_transaction_retry_time=0.0
        ) as driver:
            records, _, _ = driver.execute_query(
                "CALL dbms.components() YIELD name, versions, edition WHERE name = 'Neo4j Kernel' "
                "RETURN versions[0] AS version, edition",
                database_=database,
                routing_="r",
            )
            try:
                gds, _, _ = driver.execute_query("RETURN gds.version() AS version", database_=database, routing_="r")
                gds_version = str(gds[0]["version"])
            except ClientError:  # unknown function, or one that this user may not call
                gds_version = None
    except AuthError as error:
        raise DatabaseError(
            f"the Neo4j at {url} does not accept user {user!r} with this password",
            hint="set the user and password of that server",
        ) from error
    except Neo4jError as error:
        raise DatabaseError(f"the Neo4j at {url} refused: {error.message}") from error
    except (DriverError, ConfigurationError, OSError, ValueError) as error:
        raise DatabaseUnavailableError(
            f"nothing answers as Neo4j at {url} ({error})",
            hint="check host, port and scheme (neo4j+s:// where the server wants encryption), and that it runs",
        ) from error
    report = ServerReport(url, str(records[0]["version"]), str(records[0]["edition"]), gds_version)
    if _major_minor(report.version) < _LEAST_VERSION:
        raise CapabilityError(
            f"the Neo4j at {url} is {report.version}, expected 5.26 or newer",
            hint="upgrade the server, or use the embedded engine",
        )
    return report


def _major_minor(version: str) -> tuple[int, int]:
    """Returns `(5, 26)` for `5.26.31` and `(5, 27)` for `5.27-aura`."""
    numbers = version.replace("-", ".").split(".")
    return int(numbers[0]), int(numbers[1])
