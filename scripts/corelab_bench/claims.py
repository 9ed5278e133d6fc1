"""The claims that people make about servers, one by one, each with what this run shows of it.

A verdict comes from figures of this run by the rule beside it, or says that it does not: documents decide nothing here.
"""

from collections.abc import Callable
from dataclasses import dataclass

from corelab_bench import analysis, wording
from corelab_bench.scenarios import LOWER_IS_BETTER
from corelab_bench.summary import Summary

OPEN = "open: not measured in this run"
# A ratio this large is another order of things, and one within these bounds is none.
MANY_TIMES = 5.0
ALIKE = (0.8, 1.25)
# A factor that a choice is made for.
NOTABLE = 1.2
UNDECIDED = "not decided by these figures"


@dataclass(frozen=True)
class Claim:
    number: int
    text: str
    verdict: str
    evidence: str
    advice: str


def ratio(run: Summary, scenario: str, metric: str, over: str, under: str) -> analysis.Interval | None:
    """`over` over `under` within blocks, where the run has enough of them to decide."""
    found = run.scenario(scenario)
    rows = [found.row(label) for label in (over, under)] if found else []
    if not rows or not all(row is not None and row.measured for row in rows):
        return None
    interval = analysis.paired_ratio(*(row.values.get(metric, {}) for row in rows))
    return interval if interval is not None and interval.decides else None


def shown(interval: analysis.Interval) -> str:
    return wording.interval(interval, "×")


def many_times(interval: analysis.Interval) -> bool:
    return interval.low >= MANY_TIMES


def alike(interval: analysis.Interval) -> bool:
    return ALIKE[0] <= interval.low and interval.high <= ALIKE[1]


@dataclass(frozen=True)
class Spread:
    """The best and the worst of several entries by a metric, and how far they are apart."""

    best: str
    worst: str
    factor: analysis.Interval  # how many times better the best is


def spread(run: Summary, scenario: str, metric: str, labels: tuple[str, ...]) -> Spread | None:
    """Over those of the entries that were measured, two at least."""
    found = run.scenario(scenario)
    rows = [row for row in map(found.row, labels) if row and row.measured and row.estimate(metric)] if found else []
    if len(rows) < 2:
        return None
    rows.sort(key=lambda row: row.estimate(metric).value, reverse=metric not in LOWER_IS_BETTER)
    best, worst = rows[0].label, rows[-1].label
    pair = (worst, best) if metric in LOWER_IS_BETTER else (best, worst)
    factor = ratio(run, scenario, metric, *pair)
    return Spread(best, worst, factor) if factor is not None else None


def frameworks_and_servers(run: Summary) -> tuple[str, str] | None:
    own = ratio(run, "peers-plaintext", "cpu_us", "Flask, its own server", "Flask, uWSGI × 16")
    speaks = ratio(run, "peers-plaintext", "cpu_us", "aiohttp", "Flask, uWSGI × 16")
    if own is None or speaks is None:
        return None
    verdict = ("right: what comes along is no substitute for a server" if own.low > NOTABLE else
               "half right: the server that comes along is no dearer" if own.high <= NOTABLE else UNDECIDED)
    evidence = (f"a request costs Flask on the server that comes with it {shown(own)} of what it costs under uWSGI; "
                f"aiohttp, which speaks HTTP itself, {shown(speaks)} of that")
    if express := ratio(run, "peers-plaintext", "cpu_us", "node-express", "node-http"):
        evidence += f"; Express {shown(express)} of Node's own http, which serves both"
    return verdict, evidence


FLASK = ("Flask, its own server", "Flask, gunicorn gthread × 1", "Flask, gunicorn gthread × 16", "Flask, gunicorn gevent",
         "Flask, uWSGI × 16", "Flask, mod_wsgi × 16", "Flask, Unit × 16")


def choice_of_server(run: Summary) -> tuple[str, str] | None:
    cost = spread(run, "peers-plaintext", "cpu_us", FLASK)
    waits = spread(run, "peers-wait", "throughput", FLASK)
    if cost is None or waits is None:
        return None
    worth = cost.factor.low > NOTABLE and waits.factor.low > 2
    return "right: the choice is worth a lot" if worth else "half right", (
        f"one unchanged Flask application: “{cost.worst}” costs {shown(cost.factor)} of the CPU time of “{cost.best}”, "
        f"and “{waits.best}” answers {shown(waits.factor)} of what “{waits.worst}” does when requests wait 20 ms")


def interfaces_for_loops(run: Summary) -> tuple[str, str] | None:
    waits = ratio(run, "peers-wait", "throughput", "starlette-uvicorn", "aiohttp")
    if waits is None:
        return None
    verdict = ("no longer so: ASGI put one between them again, at no loss" if waits.low > 0.8 else
               "half right: ASGI costs")
    evidence = f"waiting 20 ms, uvicorn and Starlette answer {shown(waits)} of what aiohttp does"
    if cost := ratio(run, "peers-plaintext", "cpu_us", "starlette-uvicorn", "aiohttp"):
        evidence += f", and the smallest answer costs them {shown(cost)} of its CPU time"
    if twiggy := ratio(run, "peers-wait", "throughput", "Plack, Twiggy", "aiohttp"):
        evidence += f"; Twiggy, a loop behind Perl's PSGI, answers {shown(twiggy)} of it"
    return verdict, evidence


PERL_LOOPS = ("mojo-prefork", "Plack, Twiggy", "Plack, Feersum")


def perl_and_ruby(run: Summary) -> tuple[str, str] | None:
    perl = {label: ratio(run, "peers-wait", "throughput", label, "Plack, Starman × 4") for label in PERL_LOOPS}
    perl = {label: interval for label, interval in perl.items() if interval is not None}
    ruby = ratio(run, "peers-wait", "throughput", "Sinatra, Puma × 16", "Sinatra, Unicorn × 4")
    if not perl or ruby is None:
        return None
    counter = all(interval.low > 1.5 for interval in (*perl.values(), ruby))
    loops = wording.names([f"{label} {shown(interval)}" for label, interval in perl.items()])
    return "wrong: it is the server's model" if counter else UNDECIDED, (
        f"when requests wait, one process with a loop answers, of what four of Starman's do, {loops}; 16 threads of "
        f"Puma answer {shown(ruby)} of four processes of Unicorn")


def proxy_in_front(run: Summary) -> tuple[str, str] | None:
    cost = ratio(run, "proxy-hop", "cpu_us", "nginx before event-loop", "event-loop")
    rate = ratio(run, "proxy-hop", "throughput", "nginx before event-loop", "event-loop")
    if cost is None or rate is None:
        return None
    shields = ratio(run, "slow-senders", "p99_ms", "thread-pool, 16 threads", "nginx before thread-pool, 16 threads")
    evidence = (f"with nginx before it, on the same CPU, a small answer of event-loop costs {shown(cost)} of the CPU "
                f"time, and {shown(rate)} as many are answered")
    if shields is not None:
        evidence += (f"; beside clients that send slowly the 99th percentile of a pool is {shown(shields)} of that of "
                     "the same pool behind nginx")
    verdict = ("right: the hop is cheap" if cost.high <= NOTABLE else UNDECIDED if cost.low <= NOTABLE else
               "half right: the hop has its price, and shields a pool from slow clients"
               if shields is not None and many_times(shields) else "half right: the hop has its price")
    return verdict, evidence


# Each gives (verdict, evidence), or nothing if this run does not decide.
Judgement = Callable[[Summary], tuple[str, str] | None]


def http_is_costly(run: Summary) -> tuple[str, str] | None:
    over = ratio(run, "cost-plaintext", "cpu_us", "event-loop", "floor-epoll")
    if over is None:
        return None
    share = 1 - 1 / over.value
    verdict = "wrong, for a server in C++" if over.high < 1.5 else "right" if over.low > 2 else "half right"
    return verdict, (f"event-loop costs {shown(over)} of a responder that parses nothing: {share:.0%} of a request's CPU "
                     "time is parsing, routing, limits and deadlines, the rest is the kernel's")


def blocking_stops_others(run: Summary) -> tuple[str, str] | None:
    waits = ratio(run, "block", "throughput", "thread-per-connection", "event-loop")
    computes = ratio(run, "cpu", "throughput", "thread-per-connection", "event-loop")
    if waits is None or computes is None:
        return None
    verdict = ("half right: waits overlap in threads, CPU time does not" if many_times(waits) and alike(computes)
               else "not as told")
    return verdict, (f"20 ms of blocking: threads answer {shown(waits)} of what a loop does; 100 µs of CPU time: "
                     f"{shown(computes)}")


def lock_and_loops(run: Summary) -> tuple[str, str] | None:
    processes = ratio(run, "gil", "throughput", "Flask, 2 processes × 1 thread", "Flask, 1 process × 2 threads")
    computes = ratio(run, "cpu", "throughput", "event-loop", "thread-per-connection")
    if processes is None or computes is None:
        return None
    verdict = ("half right: for CPU time neither helps, processes do" if processes.low > 1.2 and computes.high < 2
               else "not decided by these figures")
    return verdict, (f"under the lock two processes answer {shown(processes)} of what two threads do; without a lock a "
                     f"loop answers {shown(computes)} of what threads do, on one CPU")


def loop_is_parallel(run: Summary) -> tuple[str, str] | None:
    helped = ratio(run, "block", "throughput", "event-loop + 64 helper threads", "event-loop")
    stalled = ratio(run, "stall", "p99_ms", "event-loop", "thread-per-connection")
    if helped is None or stalled is None:
        return None
    verdict = ("half right: concurrently, not in parallel" if many_times(helped) and many_times(stalled)
               else "not decided by these figures")
    return verdict, (f"one blocking request in twenty makes the others' 99th percentile {shown(stalled)} of that on "
                     f"threads; with helper threads the loop answers {shown(helped)} of what it does alone")


def free_choice_on_cores(run: Summary) -> tuple[str, str] | None:
    found = run.scenario("wsgi-hello")
    rows = [row for row in found.rows if row.measured and row.estimate("cpu_us")] if found else []
    if len(rows) < 2:
        return None
    rows.sort(key=lambda row: row.estimate("cpu_us").value)
    cost = ratio(run, "wsgi-hello", "cpu_us", rows[-1].label, rows[0].label)
    if cost is None:
        return None
    return "right: the choice is worth a lot" if cost.low > 1.2 else "half right", (
        f"one unchanged Flask application on {len(rows)} servers and settings: {rows[-1].label} costs {shown(cost)} of "
        f"the CPU time of {rows[0].label}")


def blocking_python(run: Summary) -> tuple[str, str] | None:
    waits = ratio(run, "gil-threads-sleep", "throughput", "8 threads", "1 thread")
    computes = ratio(run, "gil-threads", "throughput", "8 threads", "1 thread")
    if waits is None or computes is None:
        return None
    verdict = ("half right: waits overlap in threads, CPU time does not" if many_times(waits) and alike(computes)
               else "not as told")
    return verdict, (f"eight threads of Python answer {shown(waits)} of what one does when requests sleep, "
                     f"{shown(computes)} when they compute")


def python_loops_and_threads(run: Summary) -> tuple[str, str] | None:
    processes = ratio(run, "gil-threads", "throughput", "2 processes", "2 threads")
    stalled = ratio(run, "gil-convoy", "p99_ms", "event-loop, inline", "2 threads, 5 ms")
    if processes is None or stalled is None:
        return None
    verdict = ("half right: for CPU time neither helps, processes do" if processes.low > 1.2 and stalled.low > 1
               else "not decided by these figures")
    evidence = (f"when Python computes, two processes answer {shown(processes)} of what two threads do; beside a request "
                f"that computes, a loop's 99th percentile is {shown(stalled)} of that of threads, which wait a switch "
                "interval")
    if cost := ratio(run, "wsgi-hello", "cpu_us", "event-loop, inline", "thread-pool"):
        evidence += f"; an answer that waits for nothing costs a loop {shown(cost)} of what it costs threads"
    return verdict, evidence


def python_on_a_loop(run: Summary) -> tuple[str, str] | None:
    awaits = ratio(run, "asgi-contrast", "throughput", "C++, event-loop", "Flask, event-loop inline")
    helped = ratio(run, "asgi-contrast", "throughput", "Flask, event-loop + 64 helper threads", "Flask, event-loop inline")
    if awaits is None or helped is None:
        return None
    verdict = ("half right: concurrently, not in parallel" if many_times(awaits) and many_times(helped)
               else "not decided by these figures")
    return verdict, (f"on one and the same loop, handlers that wait with it answer {shown(awaits)} of what Flask does, "
                     f"which blocks it; helper threads bring Flask to {shown(helped)}")


def interfaces_beside_cores(run: Summary) -> tuple[str, str] | None:
    waits = ratio(run, "asgi-contrast", "throughput", "starlette-uvicorn", "aiohttp")
    cost = ratio(run, "asgi-contrast", "cpu_us", "starlette-uvicorn", "aiohttp")
    if waits is None or cost is None:
        return None
    verdict = "no longer so: ASGI put one between them again, at no loss" if waits.low > 0.8 else "half right: ASGI costs"
    return verdict, (f"64 clients whose requests wait 20 ms: uvicorn and Starlette answer {shown(waits)} of what aiohttp "
                     f"does, at {shown(cost)} of its CPU time a request")


# By the claim's number: Python on the cores themselves decides before other people's servers do.
PYTHON_ON_CORES: dict[int, Judgement] = {2: free_choice_on_cores, 4: blocking_python, 5: python_loops_and_threads,
                                         6: python_on_a_loop, 8: interfaces_beside_cores}


def judge_by(judgements: list[Judgement], run: Summary) -> tuple[str, str] | None:
    """The first that decides gives the verdict; the evidence of the others stands behind it."""
    judged = [found for found in (judge(run) for judge in judgements) if found is not None]
    return (judged[0][0], "; ".join(evidence for _, evidence in judged)) if judged else None


def processes_and_balance(run: Summary) -> tuple[str, str] | None:
    confined = ratio(run, "blocked-worker", "late_share", "prefork-evented, 4 workers", "event-loop")
    shared = ratio(run, "blocked-worker", "late_share", "prefork-evented, 4 workers", "thread-pool-handoff, 4 threads")
    if confined is None or shared is None:
        return None
    verdict = ("half right: a blocked worker stops only its own clients, but nothing moves them to the others"
               if confined.high < 1 and shared.low > 2 else "not decided by these figures")
    skew = ratio(run, "balance-peers", "largest_share", "aiohttp × 4", "Node's cluster × 4")
    uneven = (f"; the fullest of four processes sharing a port has {shown(skew)} of what Node's cluster deals"
              if skew else "")
    return verdict, (f"with one of four workers blocked, {shown(confined)} as many quick requests are late as on a single "
                     f"loop, and {shown(shared)} as many as with a shared queue{uneven}")


def one_process(run: Summary) -> tuple[str, str] | None:
    speed = ratio(run, "aiohttp-processes", "throughput", "aiohttp × 2", "aiohttp × 1")
    dead = ratio(run, "crash", "recovery_ms", "aiohttp × 1", "Flask, gunicorn 2 × 8")
    if dead is None:
        return None
    verdict = ("wrong: nobody restarts the only process" if dead.low > 2 else "not decided by these figures")
    faster = (f"; computing on two CPUs, two processes answer {shown(speed)} of what one does" if speed else
              "; the speed of one process against two is open")
    spared = ratio(run, "crash", "lost_requests", "aiohttp × 1", "aiohttp × 2")
    sibling = f"; alone it loses {shown(spared)} as many requests as beside a second process" if spared else ""
    return verdict, (f"after a kill, aiohttp alone is in trouble for at least {shown(dead)} of the time that two workers "
                     f"under gunicorn are{sibling}{faster}")


def process_managers(run: Summary) -> tuple[str, str] | None:
    managed = {label: ratio(run, "crash", "recovery_ms", "aiohttp × 1", label)
               for label in ("Node × 1, pm2", "Node × 2, pm2", "Flask, gunicorn 2 × 8", "prefork-evented, 2 workers")}
    managed = {label: found for label, found in managed.items() if found is not None}
    if len(managed) < 2:
        return None
    verdict = ("right that they are apart, but they decide what a crash costs"
               if all(found.low > 1.2 for found in managed.values()) else "not decided by these figures")
    return verdict, ("a process that nobody restarts is in trouble for at least " +
                     wording.names([f"{shown(found)} of the time of {label}" for label, found in managed.items()]))


CLAIMS: tuple[tuple[str, str, Judgement | None, str], ...] = (
    ("Some frameworks speak HTTP themselves and some do not; the latter need a server",
     "each framework bare and under its servers", frameworks_and_servers,
     "Ask of a framework whether its own server is meant for production; Flask's is not (from its documentation)."),
    ("Server and application should be apart, joined by an interface (WSGI, PSGI, Rack)",
     "one unchanged application under several servers", choice_of_server, "Keep the interface: it lets you change the model later, and outlives servers: uWSGI is in maintenance mode (from its "
     "documentation)."),
    ("HTTP is costly to serve fast, so frameworks should not each write a server", "", http_is_costly,
     "Choose a server for how it waits and what it survives, not for its parser."),
    ("A language that blocks stops all other requests while one is processed", "", blocking_stops_others,
     "Blocking library: threads, or a loop that hands it to helpers. Computing: more CPUs, whatever the model."),
    ("Under an interpreter lock event loops may be better than threads", "", lock_and_loops,
     "CPU-bound behind a lock: processes. Waiting: threads and loops alike."),
    ("An event loop lets the application handle requests in parallel", "", loop_is_parallel,
     "Never block on a loop: wait with it, or hand the call to a helper."),
    ("So with an event loop it is enough to start several processes and balance",
     "the balance of workers behind SO_REUSEPORT, one of them blocked", processes_and_balance,
     "Watch `open` and `loop_lag_ms` of each worker in /stats."),
    ("Applications on event loops need no gateway interface", "uvicorn and Starlette beside aiohttp", interfaces_for_loops,
     "Ask whether you will want another server one day."),
    ("Perl and Ruby find parallel handling hard, so their servers do it", "Plack servers, Mojolicious, Puma, Unicorn",
     perl_and_ruby, "Look at the server, not at the language."),
    ("`python main.py` is enough for production", "one process against several, and the kill of the only one", one_process,
     "Run a supervisor and more than one worker."),
    ("If everything speaks HTTP, put nginx in front", "what a proxy hop costs", proxy_in_front,
     "A proxy for TLS, files and slow clients; it does not make a blocked worker answer. NGINX Unit, which joined the two, "
     "seeks maintainers since 2025 (from its documentation)."),
    ("Process managers are another matter", "recovery after a kill: pm2, gunicorn, a supervisor, none", process_managers,
     "Whoever starts the workers decides what a crash costs."),
)


def all_claims(run: Summary) -> list[Claim]:
    claims = []
    for number, (text, experiment, judge, advice) in enumerate(CLAIMS, 1):
        judgements = [one for one in (PYTHON_ON_CORES.get(number), judge) if one is not None]
        judged = judge_by(judgements, run) if run.verdicts else None
        verdict, evidence = judged or (OPEN, f"the experiment: {experiment}" if experiment else
                                       "this run has too few valid blocks of what would decide it")
        claims.append(Claim(number, text, verdict, evidence, advice))
    return claims
