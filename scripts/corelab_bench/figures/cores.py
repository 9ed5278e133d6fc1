"""The cores on a page: who accepts, who holds a connection, who waits for whom. Drawn from what the cores are, not from
what a run measured; a run's manifest says which of them it had."""

import math
import textwrap
from dataclasses import dataclass

from matplotlib.patches import Circle, FancyArrowPatch, FancyBboxPatch, Rectangle

from corelab_bench.figures.style import BLACK, BLUE, GREEN, GREY, ORANGE, WIDTH, plt, title
from corelab_bench.summary import Summary

COLUMNS = 2
CLIENTS = (4.4, 3.4, 2.4, 1.4)  # heights of the four clients; the axes are 10 wide and 6 high
NOTE_LETTERS = 56


@dataclass(frozen=True)
class Shape:
    held: tuple[int, ...]  # the units that hold connections: how many each
    waits: str
    loop: bool = False  # a unit is a loop, not a thread that blocks
    process: bool = False  # a unit has a process to itself
    queues: int = 1  # accept queues
    between: str = ""  # what the pool's threads take from
    reactor: bool = False  # readiness is awaited before that


SHAPES = {
    "thread-per-connection": Shape((1, 1, 1, 1),
                                   "A thread waits for its own client, idle or not; no client waits for another."),
    "thread-pool": Shape((1, 1), "A thread waits for its client; other clients wait in the queue for a thread.",
                         between="connections"),
    "thread-pool-handoff": Shape((1, 1), "The reactor waits for all clients; a thread waits for its handler only.",
                                 between="ready requests", reactor=True),
    "event-loop": Shape((4,), "The loop waits for all clients; all clients wait for the handler that runs.", loop=True),
    "multi-reactor": Shape((2, 2), "As event-loop, but only the clients of one loop wait for its handler; the kernel "
                           "deals connections out, whatever the load.", loop=True, queues=2),
    "prefork": Shape((1, 1), "A process waits for its one client; other clients wait in the accept queue.",
                     process=True),
    "prefork-evented": Shape((2, 2), "As multi-reactor, and a crash takes one process's clients only.", loop=True,
                             process=True, queues=2),
}


def draw(summary: Summary):
    """One small drawing for each core of the run."""
    known = [name for name in SHAPES if name in summary.manifest["targets"]]
    if not known:
        return None
    rows = math.ceil((len(known) + 1) / COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(WIDTH, 2.25 * rows + 0.3))
    places = list(grid.flat)
    for axes in places:
        axes.set(xlim=(0, 10), ylim=(-0.9, 6.1))
        axes.axis("off")
    for axes, name in zip(places, known):
        core(axes, name, SHAPES[name])
    legend(places[len(known)])
    title(places[0], "Who waits for whom: a thread for its client, or a loop for everybody")
    return figure


def core(axes, name: str, shape: Shape) -> None:
    axes.text(0, 5.6, name, fontweight="bold", fontsize=9)
    axes.text(0, 0.35, "\n".join(textwrap.wrap(shape.waits, NOTE_LETTERS)), fontsize=7.5, va="top")
    middle = (CLIENTS[0] + CLIENTS[-1]) / 2
    queues = [middle] if shape.queues == 1 else [3.9, 1.9]
    for height in queues:
        queue(axes, 2.1, height, "accept queue")
    for index, height in enumerate(CLIENTS):
        client(axes, 0.4, height, asks=index % 2 == 0)
        arrow(axes, (0.65, height), (2.0, queues[index * len(queues) // len(CLIENTS)]))
    units = spread(len(shape.held))
    source = None
    if shape.reactor:
        loop(axes, 4.55, middle, "reactor")
        arrow(axes, (3.4, middle), (4.05, middle))
        connections(axes, 4.3, middle - 0.9, len(CLIENTS) - sum(shape.held))
    if shape.between:
        queue(axes, 5.5, middle, shape.between)
        arrow(axes, (5.05 if shape.reactor else 3.4, middle), (5.4, middle))
        source = (6.8, middle)
    for index, (height, count) in enumerate(zip(units, shape.held)):
        if shape.process:
            axes.add_patch(Rectangle((7.15, height - 0.85), 2.7, 1.7, fill=False, linestyle="--", edgecolor=BLACK))
        begin = source or (3.4, queues[index * len(queues) // len(units)])
        arrow(axes, begin, (7.4, height))
        (loop if shape.loop else thread)(axes, 7.95, height, "")
        connections(axes, 8.6, height, count)


def spread(count: int) -> list[float]:
    return {1: [2.9], 2: [3.9, 1.9]}.get(count, list(CLIENTS))


def queue(axes, x: float, y: float, text: str) -> None:
    for slot in range(4):
        axes.add_patch(Rectangle((x + 0.32 * slot, y - 0.27), 0.32, 0.54, facecolor="white", edgecolor=GREY))
    axes.text(x + 0.64, y + 0.45, text, ha="center", fontsize=7)


def client(axes, x: float, y: float, asks: bool) -> None:
    axes.add_patch(Circle((x, y), 0.2, facecolor=BLUE if asks else "white", edgecolor=BLUE))


def thread(axes, x: float, y: float, text: str) -> None:
    axes.add_patch(FancyBboxPatch((x - 0.42, y - 0.22), 0.84, 0.44, boxstyle="round,pad=0.06", facecolor="#E3E3E3",
                                  edgecolor=BLACK, linewidth=0.8))
    axes.text(x, y, text or "thread", ha="center", va="center", fontsize=6.5)


def loop(axes, x: float, y: float, text: str) -> None:
    axes.add_patch(Circle((x, y), 0.5, facecolor="white", edgecolor=GREEN, linewidth=1.6))
    axes.text(x, y, text or "loop", ha="center", va="center", fontsize=6 if text else 6.5)


def connections(axes, x: float, y: float, count: int) -> None:
    for place in range(count):
        axes.add_patch(Rectangle((x + 0.3 * place, y - 0.13), 0.2, 0.26, color=ORANGE, linewidth=0))


def arrow(axes, begin: tuple[float, float], end: tuple[float, float]) -> None:
    axes.add_patch(FancyArrowPatch(begin, end, arrowstyle="-|>", mutation_scale=6, color=GREY, linewidth=0.7,
                                   shrinkA=0, shrinkB=0))


def legend(axes) -> None:
    marks = ((lambda y: client(axes, 0.8, y, True), "a client with a request"),
             (lambda y: client(axes, 0.8, y, False), "a client that is idle, its connection kept alive"),
             (lambda y: thread(axes, 0.8, y, ""), "a thread that blocks while it waits"),
             (lambda y: loop(axes, 0.8, y, ""), "a loop: one thread that waits for many"),
             (lambda y: connections(axes, 0.7, y, 1), "a connection, where it is held"),
             (lambda y: axes.add_patch(Rectangle((0.4, y - 0.3), 0.8, 0.6, fill=False, linestyle="--",
                                                 edgecolor=BLACK)),
              "a process of its own"))
    for index, (mark, text) in enumerate(marks):
        height = 5.2 - 1.02 * index
        mark(height)
        axes.text(1.6, height, text, va="center", fontsize=7.5)
