"""The figures: the message is the title, labels stand at what they name, colours are safe for the colour-blind and
always doubled by shape or place, so that grey print says the same. Written as SVG, the same bytes for the same data.
One file a figure; its `draw` gives nothing where the run has no data for it.
"""

from pathlib import Path

from corelab_bench.figures import (cores, cost, gil, gil_convoy, gil_threads, latency_against_load, lock_and_model,
                                   memory, offload, process_cost, process_memory, processes, ratios, skew, stall,
                                   stall_gantt, stall_heat_map, starvation, sweeps, switches, wsgi_servers)
from corelab_bench.figures.style import drawing, plt
from corelab_bench.summary import Summary

FIGURES = (cores, ratios, cost, switches, memory, process_memory, gil, stall, stall_heat_map, stall_gantt, starvation,
           latency_against_load, process_cost, processes, skew, offload, sweeps, gil_threads, gil_convoy,
           lock_and_model, wsgi_servers)


def name_of(module) -> str:
    return module.__name__.rpartition(".")[2].replace("_", "-") + ".svg"


def draw_all(summary: Summary, folder: Path) -> list[str]:
    """Draws what the run has data for; returns the names of the files written."""
    folder.mkdir(exist_ok=True)
    for old in folder.glob("*.svg"):
        old.unlink()
    names = []
    with drawing():
        for module in FIGURES:
            figure = module.draw(summary)
            if figure is not None:
                figure.savefig(folder / name_of(module), metadata={"Date": None})
                plt.close(figure)
                names.append(name_of(module))
    return names
