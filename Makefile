# `make check` before a commit, `make test` before a push. An environment of your own: PYTHON=… make test
PYTHON ?= $(if $(wildcard .venv/bin/python),.venv/bin/python,python3)

.PHONY: check test e2e languages

check:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

test:
	env -u PYTHONDONTWRITEBYTECODE $(PYTHON) -m pytest -n auto -m 'not slow'

# A real model on the CPU, not part of the tests. Nothing is left outside build/e2e. TORCH may name a wheel or
# hold pip's options, e.g. for the CPU build where plain torch is the CUDA one.
E2E := build/e2e
TORCH ?= torch==2.13.0
e2e:
	python3 -m venv $(E2E)/venv
	$(E2E)/venv/bin/pip install --quiet $(TORCH)
	$(E2E)/venv/bin/pip install --quiet '.[report]' -r e2e/requirements.txt
	$(E2E)/venv/bin/python e2e/run.py --scratch $(E2E)
	$(E2E)/venv/bin/python e2e/nine_runs.py --scratch $(E2E)

# Installs the toolchains of all languages, as root on Debian, and runs their tests.
languages:
	apt-get update -qq
	apt-get install -y -qq --no-install-recommends mold $$(command -v npm >/dev/null || echo npm) \
		$$($(PYTHON) -c 'from passk_tasks.languages import LANGUAGES as l; print(*{p for x in l.values() for p in x.apt})')
	npm install --silent -g \
		$$($(PYTHON) -c 'from passk_tasks.languages import LANGUAGES as l; print(*{p for x in l.values() for p in x.npm})')
	$(PYTHON) -m pytest -n auto -m "" tests/sandbox/test_command.py tests/selfcheck/test_corpus.py
