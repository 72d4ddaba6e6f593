# Two commands for a fresh machine: `make demo` shows the program at work offline, `make test` passes the tests.
.PHONY: demo quick test outside pythons wheel release soak bench docs lint setup man clean

# Images of containers often set it. Each start of Python in the tests would then compile all that it imports, again and again.
export PYTHONDONTWRITEBYTECODE =

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

# Completions of shells and the manual page, from the parser, and the tables of docs/reference/settings.md. They are committed.
man: setup
	.venv/bin/python scripts/shell_files.py
	.venv/bin/python scripts/settings_page.py
	.venv/bin/python scripts/platforms_page.py

# The documents as a site that opens from a folder, without a network: site/index.html. A dead link fails.
docs:
	@scripts/setup.sh docs
	@NO_MKDOCS_2_WARNING=1 .venv-docs/bin/mkdocs build --clean
	@echo "open site/index.html"

# For each save: what is pure or runs in one process.
quick:
	@[ -x .venv/bin/python ] || scripts/setup.sh test
	.venv/bin/python -m pytest -n 2 --dist worksteal -m "not (services or soak or thorough)"

test: lint
	.venv/bin/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not soak"

# What needs more than `make test` installs: other Pythons, the package index.
outside: pythons wheel

pythons:
	@scripts/pythons.sh

# The wheel in an empty environment, run in another folder. Needs the package index.
wheel: setup
	@scripts/wheel.sh

# dist/: the wheel, built twice and equal, the lock, an SBOM, SHA256SUMS. Signing is a command of the owner's: docs/how-to/install.md
release: setup
	@scripts/release.sh

# The long campaigns in full, some six hours on two cores; `make soak PART=kill`, or PART="kill walks", is a part of them:
#   commands 1,000 kills of every command that writes · faults 300 calls that the disk refuses · rotation 400 orders of a rotation
#   kill 1,000 kills · copies 1,000 kills of work with copies, and each call of a round of copies failing in each way
#   media 100 kills in a gigabyte · walks 20 kills of a walk of 10,000 posts · week 2,000 posts watched for a simulated week
#   machines 2,000 jobs on three machines that are killed and cut off · telegram 20 kills and 20 cuts of a history, a gigabyte
#   walls some 600 pages of others, none of which is a wall (downloads them once) · watched 1,000 random changes
#   secrets some 280 secrets in 31 spellings, repeated by a server in each part of its answers, searched for in all that is written and said
#   planted 10,000 values planted wherever something can be withheld, searched for in packages of each profile
#   joining 200 posts in three packages, joined by every field, order, size, length and count
#   power 60 power cuts on an ext4 image (needs root and loop devices; elsewhere it is left out)
#   damage some 330 kinds and places of damage · mutations 20,000 mutated recordings a platform
#   browser a file of 6 GB in check.html, against openssl
#   parsers, formats thousands of cases
# What came out is kept in .soak/results.jsonl, with commit and seed; what passed there is not run again. SEED=1 tries others.
# docs/reference/reliability.md is made of it.
soak: setup
	EVIDENCE_SOAK=1 EVIDENCE_PART="$(PART)" EVIDENCE_SEED="$(SEED)" \
	  .venv/bin/python -m pytest -s -n 2 --dist load -m "soak or thorough" tests; code=$$?; \
	  .venv/bin/python scripts/reliability_page.py; [ $$code = 0 ] || [ $$code = 5 ] # 5: all of it has passed

# Takes hours. Prints the table, keeps it in docs/reference/benchmarks.json, and makes docs/reference/benchmarks.md of it.
# `.venv/bin/python -m benchmarks --help` says how to measure parts of it, and how to compare two commits.
bench:
	@scripts/setup.sh bench
	.venv/bin/python -m benchmarks --json docs/reference/benchmarks.json; code=$$?; .venv/bin/python -m benchmarks page; exit $$code

clean:
	rm -rf .venv .venv-replay .venv-readers .venv-docs .venv-bench .venv-auto .venv-3.* .mypy_cache .ruff_cache .pytest_cache site
