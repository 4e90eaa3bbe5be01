"""The one package that imports lm_eval.

    task        the task class that every YAML of ours names: requests, one batch of judging, metrics
    preflight   what would spoil a run, found before the first token
    journaling  generations on disk before anything is executed
    provenance  what a run's numbers rest on, over all ranks
    invocation  the few facts about the run that lm-eval does not hand to a task
    replay      a model that plays saved samples back
    run         `passk run`

Written against lm-eval 0.4.13. Its next release rewrites the metrics; what has to follow is in here.
"""
