"""What can be measured: a core of corelab, a canned responder, or an outside server described by a manifest.

The harness treats all of them alike: a command with a port to fill in. A program that is absent is not an error: its
target carries the reason, and the report prints it.
"""

import json
import shutil
import subprocess
import tomllib
from dataclasses import dataclass
from pathlib import Path

from corelab_bench import repo
from corelab_bench.process import environment

# `corelab cores` is the registry; this list only names what a report expects when the program itself is missing.
EXPECTED_CORES = ("thread-per-connection", "thread-pool", "thread-pool-handoff", "event-loop", "multi-reactor",
                  "prefork", "prefork-evented")
FLOOR_MODELS = {"blocking": "blocking, a thread per connection", "epoll": "evented, one thread",
                "handoff": "readiness, then a pool thread", "prefork": "processes that block"}
PEERS_PYTHON = "/usr/bin/python3"  # whichever runs the harness


@dataclass(frozen=True)
class Target:
    """`command` may hold {port} and {scratch} (an empty directory that the harness removes afterwards)."""

    name: str
    kind: str  # core, floor, peer
    model: str
    teaches: str = ""  # a core's lesson in a few words
    waiting: str = ""  # a core's way of waiting, by which scenarios choose its flags
    command: tuple[str, ...] = ()
    folder: str = "."
    version: str = ""
    endpoints: tuple[str, ...] | None = None  # None: every endpoint of the lab
    keep_alive: bool = True
    absent: str = ""  # why it cannot run here; empty when it can

    def serves(self, path: str) -> bool:
        return self.endpoints is None or path.split("?")[0] in self.endpoints


class Catalogue:
    """All targets by name; the names of the cores in registry order."""

    def __init__(self, targets: list[Target]):
        self.targets = {target.name: target for target in targets}

    def __getitem__(self, name: str) -> Target:
        missing = Target(name, "core", "", absent=f"no target is called {name}: `corelab cores` lists the cores, "
                         "benchmarks/peers/ holds the outside servers")
        return self.targets.get(name, missing)

    def of_kind(self, kind: str) -> list[Target]:
        return [target for target in self.targets.values() if target.kind == kind]


def load_catalogue(bin_dir: Path, peers_dir: Path) -> Catalogue:
    return Catalogue(cores(bin_dir) + floors(bin_dir) + peers(peers_dir, bin_dir))


def succeeds(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, timeout=20, env=environment()).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def first_line(command: list[str], folder: Path | None = None) -> str:
    """The first line a program prints about itself (nginx does so on standard error)."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, cwd=folder,
                              env=environment())
    except (OSError, subprocess.TimeoutExpired):
        return ""
    lines = (done.stdout + done.stderr).strip().splitlines()
    return lines[0] if done.returncode == 0 and lines else ""


def cores(bin_dir: Path) -> list[Target]:
    program = bin_dir / "corelab"
    try:
        listed = subprocess.run([str(program), "cores", "--json"], capture_output=True, text=True, timeout=20,
                                check=True, env=environment())
        rows = json.loads(listed.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as problem:
        reason = f"`corelab cores --json` failed ({type(problem).__name__}): build it with `make`"
        return [Target(name, "core", "", absent=reason) for name in EXPECTED_CORES]
    version = first_line([str(program), "--version"])
    found = [Target(name=row["name"], kind="core",
                    model=f"{row['waiting']}; {row['unit']}; {row['distribution']}", waiting=row["waiting"],
                    teaches=row.get("teaches", ""),
                    # It serves the lab where an entry's flags name no other app; their paths are the repository's.
                    command=(str(program.resolve()), "serve", "--core", row["name"], "-b", "127.0.0.1:{port}"),
                    folder=str(repo.ROOT), version=version)
             for row in rows]
    names = {target.name for target in found}
    found += [Target(name, "core", "", absent="this corelab has no such core") for name in EXPECTED_CORES
              if name not in names]
    return found


def floors(bin_dir: Path) -> list[Target]:
    program = bin_dir / "corelab-floor"
    version = first_line([str(program), "--version"])
    absent = "" if version else "corelab-floor does not run: build it with `make`"
    return [Target(name=f"floor-{model}", kind="floor", model=f"canned responder: {words}", waiting=model,
                   command=(str(program), "--model", model, "-b", "127.0.0.1:{port}"), version=version,
                   endpoints=("/plaintext",), absent=absent)
            for model, words in FLOOR_MODELS.items()]


def peers(peers_dir: Path, bin_dir: Path = repo.DEFAULT_BIN) -> list[Target]:
    return [peer(path, bin_dir) for path in sorted(peers_dir.glob("*/manifest.toml"))]


def peer(path: Path, bin_dir: Path) -> Target:
    """Reads one manifest.toml; benchmarks/peers/README.md says what may stand in it."""
    with open(path, "rb") as file:
        manifest = tomllib.load(file)
    folder = path.parent
    absent = why_absent(manifest, folder)
    version = "" if absent else " ".join(filter(None, (first_line(command, folder) for command in manifest["version"])))
    return Target(name=manifest["name"], kind="peer", model=manifest["model"], waiting=manifest.get("waiting", ""),
                  command=tuple(word.replace("{bin}", str(bin_dir)) for word in manifest["command"]),
                  folder=str(folder), version=version, endpoints=tuple(manifest["endpoints"]),
                  keep_alive=manifest.get("keep_alive", True), absent=absent)


def why_absent(manifest: dict, folder: Path) -> str:
    """What a peer needs and this machine lacks, and where it is to be had; empty when nothing is."""
    whence = manifest.get("elsewhere", f"Debian package {manifest.get('package', 'unknown')}")
    for program in manifest.get("programs", []):
        if program.startswith("./") and not shutil.which(folder / program):
            return f"{Path(program).name} is not installed: run `make setup-peers`"
        if not program.startswith("./") and not shutil.which(program, path=environment().get("PATH")):
            return f"{program} is not installed ({whence})"
    for file in manifest.get("files", []):
        if not (folder / file).exists():
            return f"{file} is not installed ({whence})"
    for module in manifest.get("perl_modules", []):
        if not succeeds(["perl", f"-M{module}", "-e", "1"]):
            return f"the Perl module {module} is not installed ({whence})"
    for module in manifest.get("python_modules", []):
        if not succeeds([PEERS_PYTHON, "-c", f"import {module}"]):
            return f"the Python module {module} is not installed for {PEERS_PYTHON}"
    return ""
