"""What runs inside the sandbox: standard library only, loaded by a clean interpreter.

launch   enters the namespaces and becomes the tests' side; forks the zygote first
rootfs   the root that candidates see
kernel, seccomp, landlock     system calls that Python does not wrap
zygote   forks one candidate at a time and cleans up after it
candidate                     the driver in the candidate's process
tests_side                    runs the tests of one candidate after another
suites, verdicts              the tests, compiled; what came of a candidate, in words
remote, process               the candidate's functions, and its process, as the tests see them
codec, frames                 what crosses between the two
"""
