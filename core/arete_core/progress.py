"""How long work reports that it gets on, whoever shows it: a terminal, a log, a notebook, a test."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable
class Task(Protocol):
    """One piece of long work under way."""

    def advance(self, steps: int = 1) -> None:
        """Reports that `steps` more units are done."""
        ...

    def note(self, text: str) -> None:
        """Shows a short remark beside the bar, for instance `3 failed`."""
        ...


@runtime_checkable
class Progress(Protocol):
    """Where long work reports to."""

    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> AbstractContextManager[Task]:
        """Opens a task.

        Args:
            name: What is being done, in the imperative: `Count images`.
            total: Number of units, or None where it is not known.
            unit: What one step is, in the plural: `images`.
            done: Units that an earlier, killed job already did; they do not count towards the rate.

        Returns:
            The task, open until the block ends.
        """
        ...

    def say(self, text: str) -> None:
        """Prints one line that stays: a warning, or where something was written."""
        ...


class _SilentTask:
    def advance(self, steps: int = 1) -> None:
        """Ignores it."""

    def note(self, text: str) -> None:
        """Ignores it."""


class SilentProgress:
    """Reports nothing; the default of every library call."""

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:  # noqa: ARG002
        """Opens a task that nobody sees."""
        yield _SilentTask()

    def say(self, text: str) -> None:
        """Ignores it."""
