"""Where things are in this repository, and which commit it is."""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCENARIOS = ROOT / "benchmarks" / "scenarios"
PEERS = ROOT / "benchmarks" / "peers"
RESULTS = ROOT / "results"
DEFAULT_BIN = ROOT / "build" / "bin"


def git(*arguments: str) -> str:
    """The output of a git command in this repository, or "" where there is no git or no commit yet. An unpacked archive
    is no repository, whatever repository it lies in."""
    own = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE")}
    try:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True,
                              env=own | {"GIT_CEILING_DIRECTORIES": str(ROOT.parent)})
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()


def commit() -> str:
    """The short commit, with `-dirty` when what was built may differ from it."""
    short = git("rev-parse", "--short=10", "HEAD")
    if not short:
        return "uncommitted"
    # Results and the report are products of a run: they do not change what is measured.
    changed = git("status", "--porcelain", "--untracked-files=no", "--", ".", ":!results", ":!REPORT.md")
    return short + ("-dirty" if changed else "")


def without_paths(text: str) -> str:
    """Text without the absolute path of this checkout, so that raw data can be published."""
    return text.replace(str(ROOT) + "/", "")
