# Two commands for a fresh machine: `make demo` shows the program at work offline, `make test` passes the tests.
.PHONY: demo test soak bench lint setup clean

demo:
	@scripts/setup.sh run
	@.venv/bin/archiver demo $(if $(HOME_DIR),--home $(HOME_DIR))

setup:
	@scripts/setup.sh test

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

test: lint
	.venv/bin/python -m pytest -n 2 --dist loadfile

# The long campaigns in full: 1,000 kills, thousands of generated cases. About an hour on two cores.
soak: setup
	ARCHIVER_SOAK=1 .venv/bin/python -m pytest -m soak -s

bench:
	@scripts/setup.sh bench
	.venv/bin/python -m benchmarks

clean:
	rm -rf .venv .venv-replay .venv-bench .mypy_cache .ruff_cache .pytest_cache
