"""System calls a request, core by core, in a pass of its own that is never timed.

Counted by the kernel's tracepoints (perf stat), which disturb little; where those may not be used by strace, which slows
a server so much that calls shared by many requests (epoll_wait, futex) are no longer those of a fast one.
"""

import csv
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from corelab_bench import accounting, http_check, load
from corelab_bench.process import Server, StartError, environment
from corelab_bench.scenarios import Load
from corelab_bench.targets import Catalogue, Target

CONNECTIONS = 16
SETTLE_SECONDS = 0.3
ATTACH_LIMIT_SECONDS = 5.0
STOP_SECONDS = 10.0
LEAST_CALLS = 1.9  # a request is read and answered: fewer calls were not all seen
SHOWN_FROM = 0.01  # calls a request; what is rarer is not a request's
KINDS = ("core", "floor")  # the canned responders stand beside their models
ALL_CALLS = "raw_syscalls:sys_enter"
CALLS = ("recvfrom", "sendto", "read", "write", "readv", "writev", "recvmsg", "sendmsg", "epoll_wait", "epoll_pwait",
         "epoll_ctl", "poll", "ppoll", "futex", "accept4", "close", "setsockopt", "timerfd_settime", "ioctl")
STRACE_ROW = re.compile(r"^\s*[\d.]+\s+[\d.]+\s+\d+\s+(\d+)\s+(?:\d+\s+)?(\w+)$", re.MULTILINE)


def measure(catalogue: Catalogue, seconds: float, server_cpus: list[int], generator_cpus: list[int]) -> dict:
    """{"tool": …, "rows": {target: {call: calls a request}}, "failures": [sentence]}, or {"absent": why}."""
    if seconds == 0:
        return {"absent": "not in this profile"}
    tool = "perf" if perf_can_count() else "strace" if shutil.which("strace") else ""
    if not tool:
        return {"absent": "neither perf stat may count system calls here nor is strace installed: run `make setup`"}
    rows, failures = {}, []
    for target in [target for kind in KINDS for target in catalogue.of_kind(kind) if not target.absent]:
        try:
            rows[target.name] = count(tool, target, seconds, server_cpus, generator_cpus)
        except (StartError, load.LoadError, OSError, subprocess.TimeoutExpired) as problem:
            failures.append(f"{target.name}: {problem}")
    return {"tool": tool, "rows": rows, "failures": failures} if rows else {"absent": failures[0] if failures else
                                                                            "there is no core"}


def perf_can_count() -> bool:
    if not shutil.which("perf"):
        return False
    done = subprocess.run(["perf", "stat", "-x,", "-e", ALL_CALLS, "true"], capture_output=True, text=True,
                          env=plain())
    return done.returncode == 0 and done.stderr[:1].isdigit()


def flags(target: Target) -> tuple[str, ...]:
    """As many threads or processes as connections where one serves one."""
    if target.kind == "floor":
        return ("--processes", str(CONNECTIONS)) if target.name == "floor-prefork" else ()
    if target.name == "thread-pool-handoff":
        return ("--workers", "4")  # as many as its canned responder has
    if target.waiting == "blocking":
        workers = () if target.name == "thread-per-connection" else ("--workers", str(CONNECTIONS))
        return (*workers, "--keep-alive-policy", "hold")
    return ("--workers", "1") if "SO_REUSEPORT" in target.model else ()


def count(tool: str, target: Target, seconds: float, server_cpus: list[int],
          generator_cpus: list[int]) -> dict[str, float]:
    with Server(target.command, flags(target), server_cpus, target.folder) as server:
        server.wait_until(lambda: http_check.answers(server.port, "/plaintext"))
        time.sleep(SETTLE_SECONDS)  # a server with many processes may still start some
        summary = server.scratch / "calls"
        counter = counting(tool, server.pids(), summary)
        try:
            wait_until_attached(tool, server)
            done = load.run(Load(path="/plaintext", connections=CONNECTIONS), server.port, seconds, generator_cpus)
        finally:
            counter.send_signal(signal.SIGINT)
            try:
                counter.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                counter.kill()
                counter.wait()
                raise
        return (parse_perf if tool == "perf" else parse_strace)(summary.read_text(), done.requests)


def plain() -> dict[str, str]:
    """Numbers are printed as programs read them, whatever the caller's language."""
    return environment() | {"LC_ALL": "C"}


def counting(tool: str, pids: list[int], summary: Path) -> subprocess.Popen:
    return subprocess.Popen(command(tool, pids, summary), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.DEVNULL, start_new_session=True, env=plain())


def command(tool: str, pids: list[int], summary: Path) -> list[str]:
    if tool == "perf":
        events = [ALL_CALLS] + [f"syscalls:sys_enter_{name}" for name in CALLS]
        return ["perf", "stat", "-x,", "-o", str(summary), "-e", ",".join(events), "-p", ",".join(map(str, pids))]
    return ["strace", "-f", "-c", "-o", str(summary), *(word for pid in pids for word in ("-p", str(pid)))]


def wait_until_attached(tool: str, server: Server) -> None:
    """strace shows in /proc; perf opens its counters before it does anything else."""
    deadline = time.monotonic() + (ATTACH_LIMIT_SECONDS if tool == "strace" else SETTLE_SECONDS)
    while time.monotonic() < deadline:
        if tool == "strace" and all(is_traced(pid) for pid in server.pids()):
            return
        time.sleep(0.02)


def is_traced(pid: int) -> bool:
    statuses = Path(f"/proc/{pid}/task").glob("*/status")
    try:
        return all("TracerPid:\t0\n" not in status.read_text() for status in statuses)
    except OSError:
        return not accounting.stat_fields(pid)  # it has ended


def parse_perf(text: str, requests: int) -> dict[str, float]:
    """What `perf stat -x,` writes: value,unit,event,…"""
    calls = {}
    for row in csv.reader(line for line in text.splitlines() if line and not line.startswith("#")):
        if len(row) > 2 and row[0].isdigit():
            calls[row[2]] = int(row[0])
    total = calls.pop(ALL_CALLS, 0)
    return per_request({name.removeprefix("syscalls:sys_enter_"): number for name, number in calls.items()}, total,
                       requests)


def parse_strace(text: str, requests: int) -> dict[str, float]:
    """What `strace -c` writes."""
    calls = {name: int(number) for number, name in STRACE_ROW.findall(text) if name != "total"}
    return per_request(calls, sum(calls.values()), requests)


def per_request(calls: dict[str, int], total: int, requests: int) -> dict[str, float]:
    """Calls over requests, the most frequent first; `total` is all of them."""
    if not requests or total < LEAST_CALLS * requests:
        raise load.LoadError(f"{total} calls were counted for {requests} requests: not all were seen")
    each = {name: number / requests for name, number in calls.items() if number >= SHOWN_FROM * requests}
    return {name: round(number, 4) for name, number in sorted(each.items(), key=lambda item: -item[1])} | {
        "total": round(total / requests, 4)}
