# `make check` before a commit, `make test` before a push. An environment of your own: PYTHON=… make test
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

.PHONY: check test e2e

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test:
	env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m pytest -n auto

# A real model on the CPU, not part of the tests. Nothing is left outside build/e2e. TORCH may name a wheel or
# hold pip's options, e.g. for the CPU build where plain torch is the CUDA one.
E2E := build/e2e
TORCH ?= torch==2.13.0
e2e:
	python3 -m venv $(E2E)/venv
	$(E2E)/venv/bin/pip install --quiet $(TORCH)
	$(E2E)/venv/bin/pip install --quiet . -r e2e/requirements.txt
	$(E2E)/venv/bin/python e2e/run.py --scratch $(E2E)
