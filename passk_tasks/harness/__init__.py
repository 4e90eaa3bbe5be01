"""The one package that imports lm_eval.

    task         the task class that all our YAML files name: requests, one batch of judging, metrics
    preflight    checks before the first token is generated
    sent         what a backend makes of the generation arguments
    stopping     the stop sequences that go out with the requests
    asking       who was asked, and with which texts, for the journal
    stages       tasks that ask twice for each sample
    journaling   the journal of a task on a rank
    recorder     hears answers as they come, and asks only for those that are not there
    beside       judges answers while the model writes others
    topping_up   asks for more samples until pass@k is known well enough
    progress     one line while the model generates
    metering     what an answer took, heard from the backend or counted
    resume       the answers that a run which broke off left
    provenance   what a run's numbers rest on, over all ranks
    invocation   what lm-eval knows about the run but does not pass to a task
    distributed  the processes of a run with several ranks, for a model that does not use torch
    replay       a model that plays saved samples back
    offered      the filter and the metric that other people's task files may name
    finding      the named tasks, without lm-eval's own files where those cannot matter
    failures     what a failure inside lm-eval means for the user
    run          `passk run`

Written for lm-eval 0.4.13. Its next release rewrites the metrics; only this package will have to follow.
"""
