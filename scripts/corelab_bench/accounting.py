"""What a target costs, read from the kernel over its whole process tree.

CPU time comes from each process's CPU clock: nanoseconds, threads that have ended included. The kernel's ticks only
split it into user and system. Context switches are per live thread: read them while the connections are still open.
"""

import os
import resource
import socket
import struct
import time
from dataclasses import dataclass, field
from pathlib import Path

# From linux/tcp.h, linux/netlink.h and linux/sock_diag.h.
TCP_ESTABLISHED, TCP_CLOSE_WAIT = 1, 8
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, NETLINK_ERROR, NETLINK_DONE = 4, 20, 0x301, 2, 3
NETLINK_HEADER_BYTES, NETLINK_BUFFER_BYTES = 16, 1 << 18


def stat_fields(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the command name (so [0] is the state, [1] the parent)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return text[text.rindex(")") + 2:].split()


def process_tree(root: int) -> list[int]:
    """`root`, its descendants, and everything in its session: a child whose parent died keeps the session."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit() and (fields := stat_fields(int(name))) and fields[0] not in "ZX":
            found[int(name)] = (int(fields[1]), int(fields[3]))
    members = {pid for pid, (_, session) in found.items() if pid == root or session == root}
    while True:
        children = {pid for pid, (parent, _) in found.items() if parent in members} - members
        if not children:
            return sorted(members)
        members |= children


def cpu_clock_ns(pid: int) -> int:
    """The CPU time of another process so far, all its threads, the ended ones too."""
    return time.clock_gettime_ns((~pid << 3) | 2)


@dataclass(frozen=True)
class Cpu:
    """CPU time of a tree at one moment, by process."""

    ns: dict[int, int]
    user_ticks: int
    system_ticks: int


def read_cpu(pids: list[int]) -> Cpu:
    ns, user, system = {}, 0, 0
    for pid in pids:
        try:
            ns[pid] = cpu_clock_ns(pid)
        except OSError:
            continue
        if fields := stat_fields(pid):
            user += int(fields[11])
            system += int(fields[12])
    return Cpu(ns, user, system)


@dataclass(frozen=True)
class CpuUse:
    total_ns: int
    user_ticks: int
    system_ticks: int
    ended: int  # processes that ended in between: their last stretch is lost


def cpu_between(before: Cpu, after: Cpu) -> CpuUse:
    total = sum(ns - before.ns.get(pid, 0) for pid, ns in after.ns.items())
    return CpuUse(total, after.user_ticks - before.user_ticks, after.system_ticks - before.system_ticks,
                  len(before.ns.keys() - after.ns.keys()))


def read_switches(pids: list[int]) -> dict[int, tuple[int, int]]:
    """(voluntary, involuntary) context switches of every live thread."""
    switches = {}
    for pid in pids:
        try:
            threads = os.listdir(f"/proc/{pid}/task")
        except OSError:
            continue
        for thread in threads:
            try:
                lines = Path(f"/proc/{pid}/task/{thread}/status").read_text().splitlines()
            except OSError:
                continue
            counts = {line.split(":")[0]: int(line.split()[1]) for line in lines if "ctxt_switches" in line}
            switches[int(thread)] = (counts["voluntary_ctxt_switches"], counts["nonvoluntary_ctxt_switches"])
    return switches


def switches_between(before: dict, after: dict) -> tuple[int, int]:
    deltas = [(now[0] - before.get(thread, (0, 0))[0], now[1] - before.get(thread, (0, 0))[1])
              for thread, now in after.items()]
    return sum(delta[0] for delta in deltas), sum(delta[1] for delta in deltas)


@dataclass
class Memory:
    """PSS counts a shared page once over the processes that share it; RSS would count it in each."""

    pss_bytes: int = 0
    private_bytes: int = 0  # in no other process: what one process more costs
    shared_bytes: int = 0  # each process's part of what several map: PSS less what is private
    processes: int = 0
    threads: int = 0
    fds: int = 0
    unreadable: list[int] = field(default_factory=list)


def read_memory(pids: list[int]) -> Memory:
    memory = Memory()
    for pid in pids:
        try:
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            threads = len(os.listdir(f"/proc/{pid}/task"))
            fds = len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            memory.unreadable.append(pid)
            continue
        for line in rollup.splitlines():
            name, _, rest = line.partition(":")
            if name == "Pss":
                memory.pss_bytes += int(rest.split()[0]) * 1024
            elif name in ("Private_Clean", "Private_Dirty"):
                memory.private_bytes += int(rest.split()[0]) * 1024
        memory.shared_bytes = memory.pss_bytes - memory.private_bytes
        memory.processes += 1
        memory.threads += threads
        memory.fds += fds
    return memory


def connections(port: int, states: tuple[int, ...]) -> int:
    """Connections in these states on the server's side of `port`, accepted yet or not, as `ss` asks for them.

    /proc/net/tcp would do, but grows with every connection of the last minute and costs the generator its CPU.
    """
    mask = sum(1 << state for state in states)
    ports = struct.pack(">HH", port, 0)  # ours, any of theirs
    query = struct.pack("<BBBxI", socket.AF_INET, socket.IPPROTO_TCP, 0, mask) + ports + bytes(44)
    header = struct.pack("<IHHII", NETLINK_HEADER_BYTES + len(query), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
    found = 0
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(header + query)
        while True:
            data = kernel.recv(NETLINK_BUFFER_BYTES)
            place = 0
            while place < len(data):
                length, kind = struct.unpack_from("<IH", data, place)
                if kind == NETLINK_DONE:
                    return found
                if kind == NETLINK_ERROR:
                    raise OSError(-struct.unpack_from("<i", data, place + NETLINK_HEADER_BYTES)[0], "sock_diag")
                found += 1
                place += (length + 3) & ~3


def established(port: int) -> int:
    return connections(port, (TCP_ESTABLISHED,))


def unfinished(port: int) -> int:
    """Connections that the server has not closed yet, those that the client has left included."""
    return connections(port, (TCP_ESTABLISHED, TCP_CLOSE_WAIT))


@dataclass(frozen=True)
class Machine:
    """Ticks of all CPUs since boot: what was busy, and what the hypervisor took."""

    total: int
    busy: int
    steal: int
    own_seconds: float


def read_machine() -> Machine:
    with open("/proc/stat") as file:
        ticks = [int(word) for word in file.readline().split()[1:9]]
    user, nice, system, idle, iowait, irq, softirq, steal = ticks
    return Machine(sum(ticks), user + nice + system + irq + softirq, steal, own_cpu_seconds())


def own_cpu_seconds() -> float:
    """CPU time of this process and of every child it has waited for."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def machine_between(before: Machine, after: Machine) -> dict:
    """Shares of all CPU time in between: stolen, and busy with what is not part of the measurement."""
    total = max(after.total - before.total, 1)
    hertz = os.sysconf("SC_CLK_TCK")
    foreign = after.busy - before.busy - (after.own_seconds - before.own_seconds) * hertz
    return {"steal_share": (after.steal - before.steal) / total, "foreign_share": max(foreign, 0.0) / total}
