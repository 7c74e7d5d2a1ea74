"""Progress for people: bars with rate and time left on a terminal, plain lines elsewhere. Always on stderr."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, ProgressColumn, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.progress import Task as RichTask
from rich.text import Text

from arete_core.progress import Progress, Task

_LINE_EVERY_S = 10.0
"""Seconds between lines where stderr is no terminal: a log stays readable and still shows that work gets on."""


def make_progress(*, quiet: bool = False) -> Progress:
    """Returns what fits stderr: bars on a terminal, lines in a log, nothing but remarks when `quiet`."""
    console = Console(stderr=True, highlight=False)
    if quiet:
        return LineProgress(console, every_s=float("inf"), show_tasks=False)
    return BarProgress(console) if console.is_terminal else LineProgress(console)


def _number(rate: float) -> str:
    """Returns a rate with no more digits than say something; slow work is not 0 a second."""
    return f"{rate:,.0f}" if rate >= 10 else f"{rate:.2g}"


class _RateColumn(ProgressColumn):
    def render(self, task: RichTask) -> Text:
        """Shows units a second, without those that an earlier job did."""
        speed = task.finished_speed or task.speed
        if speed is None:
            return Text("")
        return Text(f"{_number(speed)} {task.fields['unit']}/s", style="dim")


class _BarTask:
    def __init__(self, bars: RichProgress, id_: int) -> None:
        self._bars = bars
        self._id = id_

    def advance(self, steps: int = 1) -> None:
        self._bars.advance(self._id, steps)  # pyright: ignore[reportArgumentType] - rich's TaskID is an int

    def note(self, text: str) -> None:
        self._bars.update(self._id, note=text)  # pyright: ignore[reportArgumentType]


class BarProgress:
    """Bars on a terminal, one a task."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
        """Shows a bar until the block ends."""
        columns = (
            SpinnerColumn(finished_text="[green]✓[/green]"),
            TextColumn("{task.description}"),
            BarColumn(bar_width=28),
            MofNCompleteColumn(),
            _RateColumn(),
            TimeRemainingColumn(compact=True, elapsed_when_finished=True),
            TextColumn("[yellow]{task.fields[note]}"),
        )
        with RichProgress(*columns, console=self._console) as bars:
            id_ = bars.add_task(name, total=total, completed=done, unit=unit, note="")
            yield _BarTask(bars, id_)
            if total is None:
                bars.update(id_, total=1, completed=1)

    def say(self, text: str) -> None:
        """Prints a line above the bars."""
        self._console.print(text, markup=False)


class _LineTask:
    def __init__(self, console: Console, name: str, total: int | None, unit: str, done: int, every_s: float) -> None:
        self._console = console
        self._name = name
        self._total = total
        self._unit = unit
        self._first = self._done = done
        self._every_s = every_s
        self._started = self._printed = time.monotonic()
        self._note = ""

    def advance(self, steps: int = 1) -> None:
        self._done += steps
        if time.monotonic() - self._printed >= self._every_s:
            self._printed = time.monotonic()
            self.line()

    def note(self, text: str) -> None:
        self._note = text

    def line(self) -> None:
        """Prints where the task stands."""
        elapsed_s = time.monotonic() - self._started
        rate = (self._done - self._first) / elapsed_s if elapsed_s > 0 else 0.0
        parts: list[str] = []
        if self._total is not None:
            parts.append(f"{self._done:,}/{self._total:,} {self._unit}")
        elif self._done:
            parts.append(f"{self._done:,} {self._unit}")
        if rate > 0:
            parts.append(f"{_number(rate)}/s")
            if self._total is not None and self._done < self._total:
                parts.append(f"{(self._total - self._done) / rate:,.0f} s left")
        if self._total is None or self._done >= self._total:
            parts.append(f"{elapsed_s:.1f} s")
        if self._note:
            parts.append(self._note)
        self._console.print(f"{self._name}: " + ", ".join(parts), markup=False)


class LineProgress:
    """A line a task when it ends, and one every ten seconds while it lasts."""

    def __init__(self, console: Console, *, every_s: float = _LINE_EVERY_S, show_tasks: bool = True) -> None:
        self._console = console
        self._every_s = every_s
        self._show_tasks = show_tasks

    @contextmanager
    def task(self, name: str, *, total: int | None, unit: str, done: int = 0) -> Iterator[Task]:
        """Prints lines until the block ends."""
        task = _LineTask(self._console, name, total, unit, done, self._every_s)
        yield task
        if self._show_tasks:
            task.line()

    def say(self, text: str) -> None:
        """Prints the line."""
        self._console.print(text, markup=False)
