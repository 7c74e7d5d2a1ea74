"""What SIGTERM does to a job: units under way are finished and kept; a second SIGTERM stops at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_CODE = 128 + signal.SIGTERM  # as shells report it


class Stop:
    """Whether the job was asked to stop.

    Attributes:
        asked: True from the first SIGTERM on.
    """

    def __init__(self) -> None:
        self.asked = False
        self._finishing = False

    @contextmanager
    def on_sigterm(self) -> Iterator[None]:
        """Takes SIGTERM over while the block runs; in other threads than the main one it cannot, and does nothing."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - the signal module's signature
            again, self.asked = self.asked, True
            if again or not self._finishing:
                # Unwinds the job as Ctrl-C does, so that its lock is freed and its threads end.
                raise SystemExit(_CODE)

        before = signal.signal(signal.SIGTERM, stop)
        try:
            yield
        finally:
            signal.signal(signal.SIGTERM, before)

    @contextmanager
    def finishing(self) -> Iterator[None]:
        """While the block runs, SIGTERM only asks; the block looks at `asked` and ends when it has kept its work.

        Raises:
            SystemExit: At the block's end, with code 143, if the job was asked to stop meanwhile.
        """
        self._finishing = True
        try:
            yield
        finally:
            self._finishing = False
        if self.asked:
            raise SystemExit(_CODE)
