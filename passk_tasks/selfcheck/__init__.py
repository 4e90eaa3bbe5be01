"""What the sandbox guarantees on this host, proved by attacking it.

attack    one program of the corpus, and what must come of it
corpus/   the programs, one module a kind of attack; plain data
probes    what is put on the host before the batch, and looked at afterwards
check     runs the corpus, and says which guarantees hold
table     the result for people and as JSON
"""
