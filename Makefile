# What a person types here. The work is in tools/stage.py, lab/lab.py and what they call.

PYTHON ?= python3
STAGE = @$(PYTHON) tools/stage.py

.DEFAULT_GOAL := help
.PHONY: help demo lab-up demo-down test sanity lint docs unit molecule integration bench-backup fault environment clean

help: ## explain every target
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | while IFS='	' read -r name text; do printf '  make %-13s %s\n' "$$name" "$$text"; done

demo: ## start the lab and carry out the daily run on it; ends with the paths of record and report
	$(STAGE) demo

lab-up: ## start the lab alone, or mend it: every fault off
	$(STAGE) lab-up

demo-down: ## stop the lab and remove all of it, the report too
	$(STAGE) demo-down

test: ## everything below from lint to integration
	$(STAGE) test

lint: ## ruff, yamllint and ansible-lint
	$(STAGE) lint

docs: ## write docs/checks.md, lint the documentation and the changelog, build the package and look into it
	$(STAGE) docs

unit: ## unit tests, also under Python 3.9 where there is one; ARGS="-k name" goes to pytest
	$(STAGE) unit $(ARGS)

sanity: ## ansible-test sanity
	$(STAGE) sanity

molecule: ## the scenario in molecule/default: every role on a lab of its own, check mode first
	$(STAGE) molecule

integration: ## tests on real parts (mongod, PM2, SMTP), in labs of their own; ARGS="-k name" goes to pytest
	$(STAGE) integration $(ARGS)

bench-backup: ## dump, restore and verify beside MongoDB's own tools; writes .lab/bench/backup.json and docs/performance.md
	$(STAGE) bench-backup

fault: ## break something in the lab or mend it: NAME=mongod-stopped STATE=on; without NAME list what can break
	@lab/fault $(or $(NAME),list) $(STATE)

environment: ## get what all of this needs into ~/.cache/trixtech-maintenance ($TRIXTECH_CACHE), and link .venv to it
	$(STAGE) environment

clean: ## remove what tests and tools left in the tree; not the lab (demo-down) and not the cache outside the tree
	rm -rf .cache .ansible .venv tests/output
	find . -name __pycache__ -not -path './.lab/*' -prune -exec rm -rf {} +
