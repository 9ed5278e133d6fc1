"""corelab_bench: the measuring harness and the report.

The layers, each using only those above it:

    repo, progress                       where things are; one line that says how long it still takes
    targets, scenarios                   what can be measured, and under which load: data
    process, http_check, load, idle,     one server, one check, one load, one look at /proc
    accounting, micro
    validity, trial                      one measurement, and whether it may be believed
    schedule, manifest, run              many of them, in random blocks, written down as they come
    analysis, summary                    raw data to ratios, intervals and words
    figures, report                      the page that people read
"""
