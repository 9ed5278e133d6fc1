"""One server process tree: started on its CPUs in a session of its own, stopped without anything left behind."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from corelab_bench import accounting

PR_SET_CHILD_SUBREAPER = 36  # from linux/prctl.h
STOP_GRACE_SECONDS = 3.0
POLL_SECONDS = 0.005
LAST_WORDS_BYTES = 64 * 1024  # looked at; a target may print as much as it likes
# What configures the harness, or its Python, and would configure one target and not another.
NOT_A_TARGETS = ("CORELAB_", "PYTHON", "VIRTUAL_ENV")


class StartError(RuntimeError):
    """A target did not come up; the text says what it said last."""


@dataclass(frozen=True)
class Stopped:
    seconds: float
    killed: bool  # the grace was over and the group was killed
    exit_code: int | None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def on_cpus(command: list[str], cpus: list[int], parent_death: str) -> list[str]:
    """The command pinned to `cpus`, told to end if the harness dies without being able to stop it."""
    return ["setpriv", "--pdeathsig", parent_death, "taskset", "-c", ",".join(map(str, cpus)), *command]


def adopt_orphans() -> None:
    """From now on a target's processes whose parent has ended become children of this one: the CPU time of a server
    that ends without waiting for its workers would otherwise count as a stranger's."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(pids: set[int]) -> None:
    """Waits for processes that are ending: their CPU time counts as ours from then on."""
    for pid in pids:
        try:
            os.waitpid(pid, 0)
        except ChildProcessError:
            pass  # its own parent has waited for it


def environment() -> dict[str, str]:
    """What targets run in, and what is asked about them: a variable or a virtual environment of the caller must not
    configure what is measured. Python leaves no bytecode behind in the repository."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(NOT_A_TARGETS)}
    if active := os.environ.get("VIRTUAL_ENV"):
        programs = os.path.realpath(os.path.join(active, "bin"))
        kept["PATH"] = os.pathsep.join(folder for folder in kept.get("PATH", os.defpath).split(os.pathsep)
                                       if os.path.realpath(folder) != programs)
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"}


def end_of(path: Path) -> str:
    """The last of a file, however long that is."""
    with open(path, "rb") as file:
        file.seek(max(file.seek(0, os.SEEK_END) - LAST_WORDS_BYTES, 0))
        return file.read(LAST_WORDS_BYTES).decode(errors="replace")


class Server:
    """A started target. Use as a context manager: leaving it stops the whole group, whatever happened."""

    def __init__(self, command: tuple[str, ...], flags: tuple[str, ...], cpus: list[int], folder: str):
        self.port = free_port()
        self.scratch = Path(tempfile.mkdtemp(prefix="corelab-bench-"))
        os.chmod(self.scratch, 0o755)  # a server that drops root must still reach its own files
        self.command = [part.replace("{port}", str(self.port)).replace("{scratch}", str(self.scratch))
                        for part in command] + list(flags)
        self.cpus = cpus
        self.folder = folder
        self.process: subprocess.Popen | None = None
        self.stopped: Stopped | None = None

    def __enter__(self) -> "Server":
        adopt_orphans()
        try:
            with open(self.scratch / "output", "wb") as output:
                self.process = subprocess.Popen(on_cpus(self.command, self.cpus, "TERM"), cwd=self.folder,
                                                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                                env=environment(), start_new_session=True)
        except OSError as problem:
            shutil.rmtree(self.scratch, ignore_errors=True)
            raise StartError(f"{self.command[0]}: {problem.strerror}") from problem
        return self

    def __exit__(self, *_) -> None:
        try:
            self.stop()
        except BaseException:
            self.stop(grace=0)
            raise
        finally:
            shutil.rmtree(self.scratch, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self.process.pid

    def pids(self) -> list[int]:
        return accounting.process_tree(self.pid)

    def alive(self) -> bool:
        return self.process.poll() is None

    def last_words(self) -> str:
        """The last line of what the target printed."""
        try:
            lines = end_of(self.scratch / "output").strip().splitlines()
        except OSError:
            lines = []
        return lines[-1][:300] if lines else "it printed nothing"

    def wait_until(self, ready, seconds: float = 10.0):
        """Calls `ready()` until it returns something true and returns that; StartError when it never does."""
        deadline = time.monotonic() + seconds
        while True:
            if not self.alive():
                raise StartError(f"ended at start with exit code {self.process.returncode}: {self.last_words()}")
            if result := ready():
                return result
            if time.monotonic() > deadline:
                raise StartError(f"not ready after {seconds:g} s: {self.last_words()}")
            time.sleep(POLL_SECONDS)

    def stop(self, grace: float | None = None) -> Stopped:
        """TERM to the target itself, as an operator would; after `grace` seconds KILL to every process of it."""
        grace = STOP_GRACE_SECONDS if grace is None else grace
        if self.stopped or not self.process:
            return self.stopped
        begun = time.monotonic()
        seen = set(self.pids())
        if self.alive():
            self.process.terminate()
        killed = False
        while members := self.living():
            seen.update(members)
            if time.monotonic() - begun > grace:
                killed = True
                for pid in members:
                    signal_quietly(pid, signal.SIGKILL)
            time.sleep(POLL_SECONDS)
        reap(seen - {self.pid})
        self.stopped = Stopped(time.monotonic() - begun, killed, self.process.poll())
        return self.stopped

    def living(self) -> list[int]:
        """Those that have not ended; the root until it is reaped: while other threads of it are still ending, it looks
        like a zombie and cannot be."""
        root = [] if self.process.poll() is not None else [self.pid]
        return sorted({*root, *self.pids()})


def signal_quietly(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass
