"""What a run ran on and with: everything that a reader needs to judge or to repeat it."""

import importlib.metadata
import os
import platform
import re
import resource
import subprocess
from pathlib import Path

from corelab_bench import repo
from corelab_bench.targets import Catalogue, first_line

SYSCTLS = ("net/core/somaxconn", "net/ipv4/tcp_max_syn_backlog", "net/ipv4/ip_local_port_range",
           "net/ipv4/tcp_tw_reuse", "net/ipv4/tcp_fin_timeout", "kernel/pid_max", "kernel/threads-max",
           "kernel/randomize_va_space", "vm/overcommit_memory")
PACKAGES = ("numpy", "scipy", "matplotlib", "jinja2", "markdown")


def read(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""


def cpu_model() -> str:
    for line in read("/proc/cpuinfo").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def mitigations() -> dict[str, str]:
    folder = Path("/sys/devices/system/cpu/vulnerabilities")
    return {path.name: read(str(path)) for path in sorted(folder.glob("*"))} if folder.is_dir() else {}


def hypervisor() -> str:
    """The kind of virtual machine or container, "none" on bare metal, "" where nothing can tell."""
    try:
        done = subprocess.run(["systemd-detect-virt"], capture_output=True, text=True, timeout=10)
        if done.stdout.strip():
            return done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired):
        pass
    return "a virtual machine" if " hypervisor" in read("/proc/cpuinfo") else ""


def cgroup_quota() -> str:
    return read("/sys/fs/cgroup/cpu.max")


def compile_flags(bin_dir: Path) -> str:
    """The optimisation flags of the build beside `bin_dir`, from CMake's cache."""
    for cache in (bin_dir.parent / "release" / "CMakeCache.txt", bin_dir.parent / "CMakeCache.txt"):
        entries = dict(re.findall(r"^(CMAKE_BUILD_TYPE|CMAKE_CXX_FLAGS\w*|CMAKE_CXX_COMPILER):\w+=(.*)$",
                                  read(str(cache)), re.MULTILINE))
        if entries:
            kind = entries.get("CMAKE_BUILD_TYPE", "")
            flags = f"{entries.get('CMAKE_CXX_FLAGS', '')} {entries.get('CMAKE_CXX_FLAGS_' + kind.upper(), '')}"
            compiler = entries.get("CMAKE_CXX_COMPILER", "")
            return f"{kind}: {first_line([compiler, '--version']) or compiler} {flags}".strip()
    return "unknown: no CMakeCache.txt beside the binaries"


def limits() -> dict[str, list[int]]:
    names = {"open files": resource.RLIMIT_NOFILE, "processes": resource.RLIMIT_NPROC,
             "locked memory": resource.RLIMIT_MEMLOCK, "stack": resource.RLIMIT_STACK}
    return {name: list(resource.getrlimit(number)) for name, number in names.items()}


def machine(bin_dir: Path) -> dict:
    memory = dict(re.findall(r"^(\w+):\s+(\d+) kB", read("/proc/meminfo"), re.MULTILINE))
    return {
        "kernel": f"{platform.system()} {platform.release()} {platform.version()}",
        "distribution": platform.freedesktop_os_release().get("PRETTY_NAME", "") if
        os.path.exists("/etc/os-release") else "",
        "cpu": cpu_model(),
        "cpus": sorted(os.sched_getaffinity(0)),
        "cgroup_cpu_max": cgroup_quota(),
        "memory_bytes": int(memory.get("MemTotal", 0)) * 1024,
        "governor": read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor") or "not visible",
        "clock_source": read("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        "virtualisation": hypervisor(),
        "mitigations": mitigations(),
        "limits": limits(),
        "sysctls": {name.replace("/", "."): read(f"/proc/sys/{name}") for name in SYSCTLS},
        "load_average": os.getloadavg(),
        "compiled": compile_flags(bin_dir),
    }


def versions(catalogue: Catalogue) -> dict[str, str]:
    named = {target.name: target.version for target in catalogue.targets.values() if target.version}
    named["wrk"] = wrk_version()
    named["python"] = platform.python_version()
    return named | {package: importlib.metadata.version(package) for package in PACKAGES}


def wrk_version() -> str:
    """wrk prints its version and exits with 1."""
    try:
        done = subprocess.run(["wrk", "-v"], capture_output=True, text=True, timeout=10)
    except OSError:
        return ""
    return (done.stdout + done.stderr).split("Copyright")[0].strip()


def targets(catalogue: Catalogue) -> dict[str, dict]:
    return {target.name: {"kind": target.kind, "model": target.model, "teaches": target.teaches,
                          "version": target.version,
                          "command": repo.without_paths(" ".join(target.command)), "absent": target.absent}
            for target in catalogue.targets.values()}
