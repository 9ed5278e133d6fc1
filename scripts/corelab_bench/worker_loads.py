"""What is sent where the question is not how fast, but which worker: kinds `balance` and `crash`."""

from dataclasses import dataclass


class OneThread:
    """What every client but wrk has in common: none of it is a scenario's to choose."""

    threads, pipeline, close, post_bytes = 1, 1, False, 0

    @property
    def expected(self) -> str | None:
        return self.body

    @property
    def held(self) -> int:
        return self.connections


@dataclass(frozen=True)
class WorkerLoad(OneThread):
    path: str
    connections: int
    body: str | None = None

    @property
    def paths(self) -> list[str]:
        return [self.path]


@dataclass(frozen=True)
class BalanceLoad(WorkerLoad):
    """Connections are opened together, asked in turn, and closed, over and over."""

    workers: int = 4
    rounds: int = 5  # requests on each connection of an opening
    count_by: str = "stats"  # or "pid": `path` answers the worker's process id


@dataclass(frozen=True)
class CrashLoad(WorkerLoad):
    """An open loop at a fixed rate, in the course of which one worker gets a signal."""

    rate: float = 100.0
    signal: str = "KILL"  # or STOP, a hang
    at: float = 0.25  # of the trial
    timeout: float = 1.0  # seconds from when a request was due; then it is lost
    late_ms: float = 250.0  # an answer later than this is no recovery
    quiet: float = 0.5  # seconds without trouble until the end, or it has not recovered
