"""What all figures share: colours, sizes, the message as a title, ticks in words."""

import contextlib
import textwrap
from collections.abc import Iterator

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402  (the backend must be chosen first)

from corelab_bench import wording  # noqa: E402

# Okabe and Ito's palette, ordered by lightness where two meet in one figure.
BLUE, ORANGE, GREEN, GREY, BLACK = "#0072B2", "#E69F00", "#009E73", "#8C8C8C", "#222222"
STYLE = {"svg.hashsalt": "corelab", "font.size": 9, "axes.spines.top": False, "axes.spines.right": False,
         "axes.titlelocation": "left", "axes.titlesize": 10, "figure.constrained_layout.use": True,
         "font.family": "DejaVu Sans"}
WIDTH = 8.5
TITLE_LETTERS = 88


@contextlib.contextmanager
def drawing() -> Iterator[None]:
    """Figures are drawn in here: in this style alone, whatever the matplotlibrc of whoever draws them says."""
    with plt.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def title(axes, text: str) -> None:
    """Over the whole figure: a message is longer than the axes are wide."""
    lines = textwrap.wrap(text, TITLE_LETTERS)
    axes.figure.suptitle("\n".join(lines), x=0.01, ha="left", fontsize=10, fontweight="bold")


def plain_time_ticks(axes, low: float, high: float) -> None:
    ticks = [10.0**power for power in range(-3, 6) if low <= 10.0**power <= high]
    axes.set_xlim(low, high)
    axes.set_xticks(ticks, [wording.time_tick(tick) for tick in ticks])
    axes.minorticks_off()
