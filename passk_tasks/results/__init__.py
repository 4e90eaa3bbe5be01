"""The stored form of a run.

`samples` reads what other tools and `journal` wrote; a journal holds a run's generations before any is
executed; `store` writes `results.json` and `outcomes.jsonl`; `summary` renders a result for the terminal.
"""
