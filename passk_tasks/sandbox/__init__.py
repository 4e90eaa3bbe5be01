"""Runs programs under limits, in a sandbox; knows nothing of benchmarks.

supervisor   `Sandbox`: hands out programs, survives whatever happens to a worker
worker       one worker's process, what it was given and what it answers
waiting      programs that wait for a worker, and suspects that are tried alone
cpus         how many programs may run at once
cgroups      caps for all processes of a worker; where the host gives less than programs may use
termination  what SIGTERM does while a sandbox is open
box/         what runs inside; imported there by a bare interpreter, so this module imports nothing
"""
