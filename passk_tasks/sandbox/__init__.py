"""Runs programs under limits, in a sandbox; knows nothing of benchmarks.

supervisor   `Sandbox`: starts workers, hands out programs, survives whatever happens to a worker
cpus         how many programs may run at once
box/         what runs inside; imported there by a bare interpreter, so this module imports nothing
"""
