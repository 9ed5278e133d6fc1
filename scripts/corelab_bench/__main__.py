"""The command line: `python -m corelab_bench run` measures and reports, `report` makes the report again, `advise`
measures one workload and names a core for it.
"""

import argparse
import dataclasses
import json
import sys
from pathlib import Path

from corelab_bench import advise, repo

STOPPED = 130  # as a shell reports a program that Ctrl-C ended


def main() -> int:
    arguments = parse()
    try:
        return arguments.command(arguments)
    except KeyboardInterrupt:
        return STOPPED


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="corelab_bench", description=__doc__)
    commands = parser.add_subparsers(required=True)
    run = commands.add_parser("run", help="measure, write results/<run>/ and the report")
    run.add_argument("--profile", default="default", help="smoke, default or full (default: %(default)s)")
    run.add_argument("--only", action="append", metavar="SCENARIO", default=[],
                     help="measure this scenario of the profile only; may be repeated")
    run.add_argument("--report", type=Path, metavar="FILE", help="write the report here as well, e.g. REPORT.md")
    run.add_argument("--results", type=Path, default=repo.RESULTS, metavar="DIR", help="default: results/")
    run.add_argument("--bin-dir", type=Path, default=repo.DEFAULT_BIN, metavar="DIR", help="default: build/bin")
    run.add_argument("--minutes", type=float, help="for all of it, instead of the profile's own: fewer blocks fit less time")
    run.add_argument("--seed", type=int, help="of the random order of trials (default: a new one each run)")
    run.add_argument("--resume", type=Path, metavar="RUN", help="go on with this interrupted run: its profile, its "
                     "scenarios, its plan")
    run.set_defaults(command=run_command)
    report = commands.add_parser("report", help="make the report of a run again from its raw data")
    report.add_argument("--run", type=Path, metavar="DIR", help="default: the newest in results/")
    report.add_argument("--report", type=Path, metavar="FILE", help="write the report here as well, e.g. REPORT.md")
    report.add_argument("--results", type=Path, default=repo.RESULTS, metavar="DIR", help="default: results/")
    report.set_defaults(command=report_command)
    compare = commands.add_parser("compare", help="what changed between two runs")
    compare.add_argument("before", type=Path, metavar="RUN")
    compare.add_argument("after", type=Path, metavar="RUN")
    compare.set_defaults(command=compare_command)
    advice = commands.add_parser("advise", help="which core for this load: asks, measures, names one")
    advise.add_arguments(advice)
    advice.set_defaults(command=advise_command)
    return parser.parse_args()


def compare_command(arguments: argparse.Namespace) -> int:
    from corelab_bench import compare

    for folder in (arguments.before, arguments.after):
        if not (folder / "manifest.json").exists():
            return complain(f"{folder} holds no manifest.json: it is not a run")
    print(compare.text_of(compare.compare(arguments.before, arguments.after)), end="")
    return 0


def advise_command(arguments: argparse.Namespace) -> int:
    try:
        return advise.command(arguments)
    except ValueError as problem:
        return complain(str(problem))


def complain(text: str) -> int:
    print(f"corelab_bench: {text}", file=sys.stderr)
    return 2


def run_command(arguments: argparse.Namespace) -> int:
    from corelab_bench import report, resume, run, scenarios
    from corelab_bench.progress import Progress
    from corelab_bench.targets import load_catalogue

    if arguments.resume:
        try:
            old = resume.manifest_of(arguments.resume)
        except resume.Refused as problem:
            return complain(str(problem))
        arguments.profile, arguments.only = old["profile"], old["only"]
        arguments.minutes = old["time_limit_seconds"] / 60
    profiles = scenarios.load_profiles(repo.SCENARIOS)
    if arguments.profile not in profiles:
        return complain(f"no profile {arguments.profile}: there are {', '.join(profiles)}")
    profile = profiles[arguments.profile]
    if arguments.minutes is not None:
        if not arguments.minutes > 0:
            return complain(f"--minutes {arguments.minutes:g}: a run needs more than no time")
        profile = dataclasses.replace(profile, seconds=60 * arguments.minutes)
    if arguments.only:
        lines = tuple(line for line in profile.lines if line.scenario in arguments.only)
        missing = set(arguments.only) - {line.scenario for line in lines}
        if missing:
            return complain(f"profile {profile.name} has no {', '.join(sorted(missing))}; it has "
                            f"{', '.join(line.scenario for line in profile.lines)}")
        profile = dataclasses.replace(profile, lines=lines, only=tuple(arguments.only))
    catalogue = load_catalogue(arguments.bin_dir.resolve(), repo.PEERS)
    try:
        known = scenarios.load_scenarios(repo.SCENARIOS, catalogue)
    except scenarios.ScenarioError as problem:
        return complain(str(problem))
    try:
        folder, finished = run.run(profile, known, catalogue, arguments.bin_dir.resolve(), arguments.results.resolve(),
                                   arguments.seed, Progress(), arguments.resume and arguments.resume.resolve())
    except resume.Refused as problem:
        return complain(str(problem))
    write_report(report, folder, arguments.report)
    return 0 if finished else STOPPED


def report_command(arguments: argparse.Namespace) -> int:
    from corelab_bench import report

    folder = arguments.run or newest(arguments.results)
    if folder is None:
        return complain(f"no run in {arguments.results}: `make bench` makes one")
    if not (folder / "manifest.json").exists():
        return complain(f"{folder} holds no manifest.json: it is not a run")
    write_report(report, folder.resolve(), arguments.report)
    return 0


def write_report(report, folder: Path, also: Path | None) -> None:
    for path in report.write(folder, also):
        print(f"report: {path}", file=sys.stderr)


def newest(results: Path) -> Path | None:
    """Run folders start with their UTC time, the published ones too. A run of hand-picked scenarios is no report."""
    runs = [path for path in (*results.glob("*/manifest.json"), *results.glob("published/*/manifest.json"))
            if not json.loads(path.read_text()).get("only")]
    return max((path.parent for path in runs), key=lambda folder: folder.name, default=None)


if __name__ == "__main__":
    sys.exit(main())
