"""The lessons: prediction, figure, mechanism, and the command that reruns it. One file a lesson; every sentence with a
number is made there.
"""

from corelab_bench.lessons import (gil_convoy, gil_threads, idle_memory, latency_against_load, lock_and_model,
                                   offload, process_cost, processes, skew, stall, starvation, wsgi_servers)
from corelab_bench.lessons.lesson import Lesson
from corelab_bench.summary import Summary

# In the order of the report. Each module's `lesson` gives nothing where the run has no data for it.
LESSONS = (stall, starvation, process_cost, processes, skew, idle_memory, offload, latency_against_load)
LOCK_LESSONS = (gil_threads, gil_convoy, lock_and_model, wsgi_servers)


def all_lessons(run: Summary, modules=LESSONS) -> list[Lesson]:
    made = (module.lesson(run) for module in modules)
    return [lesson for lesson in made if lesson is not None]
