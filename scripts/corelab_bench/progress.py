"""One live line that says what runs now and how long it still takes."""

import sys
import time


def clock(seconds: float) -> str:
    minutes, rest = divmod(int(round(max(seconds, 0))), 60)
    return f"{minutes}:{rest:02d}"


class Progress:
    """Rewrites one line on a terminal; elsewhere prints a plain line every `every` seconds."""

    def __init__(self, stream=None, every: float = 15.0):
        self.stream = stream or sys.stderr
        self.live = self.stream.isatty()
        self.every = every
        self.last_line = -every
        self.width = 0

    def say(self, text: str) -> None:
        self.clear()
        print(text, file=self.stream, flush=True)

    def update(self, done: int, total: int, left_seconds: float, what: str) -> None:
        line = f"[{done}/{total}] {clock(left_seconds)} left  {what}"
        if self.live:
            self.stream.write("\r" + line[:110].ljust(self.width))
            self.stream.flush()
            self.width = len(line[:110])
        elif time.monotonic() - self.last_line >= self.every:
            self.last_line = time.monotonic()
            print(line, file=self.stream, flush=True)

    def clear(self) -> None:
        if self.live and self.width:
            self.stream.write("\r" + " " * self.width + "\r")
            self.width = 0
