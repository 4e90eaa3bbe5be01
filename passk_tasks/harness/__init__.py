"""The one package that imports lm_eval.

    task         the task class that all our YAML files name: requests, one batch of judging, metrics
    preflight    checks before the first token is generated
    sent         what a backend makes of the generation arguments
    journaling   saves answers as they come, and asks only for those that are not there
    metering     what an answer took, heard from the backend or counted
    resume       the answers that a run which broke off left
    provenance   what a run's numbers rest on, over all ranks
    invocation   what lm-eval knows about the run but does not pass to a task
    distributed  the processes of a run with several ranks, for a model that does not use torch
    replay       a model that plays saved samples back
    run          `passk run`

Written for lm-eval 0.4.13. Its next release rewrites the metrics; only this package will have to follow.
"""
