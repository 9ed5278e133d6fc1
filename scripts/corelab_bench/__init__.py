"""corelab_bench: the measuring harness and the report.

The layers, each using only those above it:

    repo, progress                       where things are; one line that says how long it still takes
    targets, scenarios                   what can be measured, and under which load: data
    process, http_check, load,           one server, one check, one load, one look at /proc
    timed_load, idle, accounting, micro
    validity, trial                      one measurement, and whether it may be believed
    schedule, manifest, run              many of them, in random blocks, written down as they come
    analysis, summary                    raw data to ratios, intervals and words
    compare, need, advise                two runs; one workload and the core for it
    wording, lessons, claims             findings as sentences
    figures, report                      the page that people read
"""
