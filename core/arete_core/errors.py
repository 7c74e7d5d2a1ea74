"""Every error that Arête raises on purpose, split by who can mend it.

```
AreteError                     message, hint, code, exit_code
├── BadInput                   the caller gave something that cannot work; nothing was changed
│   ├── DatasetError           the image folder
│   ├── ModelError             the model cannot be made, traced or aggregated
│   │   └── WeightsError       the weight file does not fit the model or is not safe to open
│   ├── SettingError           an option, environment variable or setting
│   └── NotFoundError          an id that names nothing: run, layer, class or channel
├── UnauthorizedError          the service changes nothing for whoever does not know its token
│   └── ReadOnlyError          the service changes nothing for anybody
├── RunFolderError             the run folder on disk
│   ├── RunIncompleteError     not finished: a job is still writing it, or was killed
│   ├── RunVersionError        written by a newer Arête
│   ├── RunAlteredError        a file differs from what the manifest says
│   └── RunConflictError       made with another model, data or settings; or locked by another job
├── EngineError                the embedded Neo4j could not be started or stopped
│   ├── JavaMissingError
│   ├── MavenError
│   ├── PortInUseError
│   ├── StoreLockedError
│   └── EngineMemoryError
├── DatabaseError              the database answered with an error, or not at all
│   ├── DatabaseUnavailableError   not reachable: a retry may help
│   └── CapabilityError        reachable, but lacks something that this call needs (GDS)
├── LoadError                  what the database holds is not what was sent
└── ConvergenceError           an iteration did not reach its tolerance
```

A message says what is wrong with which thing, what was expected and what was found; the hint says what to do.
"""

from typing import ClassVar


class AreteError(Exception):
    """Base of all deliberate errors.

    Args:
        message: What is wrong, with the name of the thing, what was expected and what was found.
        hint: What the reader can do about it; empty when there is nothing to advise.
    """

    code: ClassVar[str] = "FAILED"
    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class BadInput(AreteError):  # noqa: N818 - reads better than BadInputError where it is raised
    """The caller gave something that cannot work."""

    code = "BAD_INPUT"
    exit_code = 2


class DatasetError(BadInput):
    """The image folder is missing, empty or unusable."""

    code = "DATASET"


class ModelError(BadInput):
    """The model cannot be made, traced or aggregated."""

    code = "MODEL"


class WeightsError(ModelError):
    """The weight file does not fit the model, or is not safe to open."""

    code = "WEIGHTS"


class SettingError(BadInput):
    """An option, environment variable or setting has a value that cannot work."""

    code = "SETTING"


class NotFoundError(BadInput):
    """An id names nothing.

    Args:
        kind: What was looked for: `run`, `layer`, `class` or `channel`.
        id_: The id as given.
        hint: What to do, for instance the nearest names.
    """

    code = "NOT_FOUND"

    def __init__(self, kind: str, id_: str, *, hint: str = "") -> None:
        super().__init__(f"there is no {kind} {id_!r}", hint=hint)
        self.kind = kind
        self.id = id_


class UnauthorizedError(AreteError):
    """What was asked changes something, and the caller has not shown that it may."""

    code = "UNAUTHORIZED"


class ReadOnlyError(UnauthorizedError):
    """What was asked changes something, and the service only reads."""

    code = "READ_ONLY"


class RunFolderError(AreteError):
    """The run folder on disk cannot be used."""

    code = "RUN_FOLDER"


class RunIncompleteError(RunFolderError):
    """The run folder is not finished."""

    code = "RUN_INCOMPLETE"


class RunVersionError(RunFolderError):
    """The run folder was written by a newer Arête."""

    code = "RUN_VERSION"


class RunAlteredError(RunFolderError):
    """A file of the run folder differs from what its manifest says."""

    code = "RUN_ALTERED"


class RunConflictError(RunFolderError):
    """The run folder belongs to another job: other model, data or settings, or a job that is at work now."""

    code = "RUN_CONFLICT"


class EngineError(AreteError):
    """The embedded Neo4j could not be started or stopped."""

    code = "ENGINE"


class JavaMissingError(EngineError):
    """No usable Java was found."""

    code = "JAVA_MISSING"


class MavenError(EngineError):
    """Maven is missing or could not resolve the engine's jars."""

    code = "MAVEN"


class PortInUseError(EngineError):
    """A port that was asked for is taken."""

    code = "PORT_IN_USE"


class StoreLockedError(EngineError):
    """Another process holds the store."""

    code = "STORE_LOCKED"


class EngineMemoryError(EngineError):
    """The engine ran out of memory, or asked for more than there is."""

    code = "ENGINE_MEMORY"


class DatabaseError(AreteError):
    """The database answered with an error."""

    code = "DATABASE"


class DatabaseUnavailableError(DatabaseError):
    """The database cannot be reached; a retry may help."""

    code = "DATABASE_UNAVAILABLE"


class CapabilityError(DatabaseError):
    """The database lacks something that this call needs."""

    code = "CAPABILITY"


class LoadError(AreteError):
    """What the database holds is not what was sent."""

    code = "LOAD"


class ConvergenceError(AreteError):
    """An iteration did not reach its tolerance."""

    code = "NO_CONVERGENCE"
