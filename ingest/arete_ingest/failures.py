"""Images that could not be read, against how many may."""

import math
from typing import NoReturn

from arete_core.errors import DatasetError
from arete_core.progress import Task
from arete_ingest.planning import Job

_NAMED = 5


class Failures:
    """Images that could not be read, against how many may.

    Args:
        job: The job.
    """

    def __init__(self, job: Job) -> None:
        self._files = job.plan.files
        self._allowed = math.ceil(job.settings.max_failed * len(job.plan.files))
        self._share = job.settings.max_failed
        self._reasons: dict[int, str] = {}

    @property
    def count(self) -> int:
        """Number of files; one that is in several class sets fails once."""
        return len(self._reasons)

    def add(self, errors: dict[int, str], task: Task | None = None) -> None:
        """Adds a batch's failures.

        Args:
            errors: Reasons by image id.
            task: Where to show how many there are.

        Raises:
            DatasetError: If there are more than allowed.
        """
        self._reasons |= errors
        if errors and task is not None:
            task.note(f"{self.count:,} failed")
        if self.count > self._allowed:
            self.stop(f"{self.count:,} of {len(self._files):,} images could not be read, {self._allowed:,} may")

    def stop(self, what: str) -> NoReturn:
        """Raises with the first few names."""
        first = [f"{self._files[image]} ({reason})" for image, reason in self._reasons.items()][:_NAMED]
        more = f" and {self.count - len(first)} more" if self.count > len(first) else ""
        raise DatasetError(
            f"{what}: {'; '.join(first)}{more}",
            hint=f"mend or remove them, or allow a larger share than {self._share:g} with --max-failed",
        )
