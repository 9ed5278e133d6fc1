"""Was this machine there all the time? A thread that sleeps briefly and notes how much too late it wakes.

A pause of the whole virtual machine, or of the generator's CPU, shows as an overshoot; it would otherwise be taken for
the server's. The thread runs in the harness, which is kept on the generator's last CPU: a busy generator makes it wait for
its turn, too, so that some milliseconds are usual and the limit must be well above them.
"""

import threading
import time

SLEEP_SECONDS = 0.02  # rarely enough that the generator loses nothing to it


class Hiccups:
    """Writes the worst overshoot in milliseconds into `record["hiccup_ms"]`; of several parts of a trial the worst."""

    def __init__(self, record: dict):
        self.record = record
        self.worst = 0.0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)

    def __enter__(self) -> "Hiccups":
        self.thread.start()
        return self

    def __exit__(self, *_) -> None:
        self.over.set()
        self.thread.join()
        self.record["hiccup_ms"] = max(self.record.get("hiccup_ms", 0.0), round(self.worst * 1e3, 3))

    def watch(self) -> None:
        while not self.over.is_set():
            begun = time.monotonic()
            time.sleep(SLEEP_SECONDS)
            self.worst = max(self.worst, time.monotonic() - begun - SLEEP_SECONDS)
