"""Busy for some of this thread's CPU time, not wall time: threads that share a lock really wait for each other."""

import time


def burn(microseconds: int) -> None:
    end = time.thread_time_ns() + microseconds * 1000
    while time.thread_time_ns() < end:
        pass
