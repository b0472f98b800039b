# make demo       set up everything and run the embedded experiment
# make test       set up everything and run linters, type checks and tests
# make soak       kill and restart a small run 100 times, and compare its results
# make image, image-cpu                        the container image, for CUDA or for a CPU
# make sif, sif-gpu                             the same as a file for Apptainer, for --use-singularity
# make containers-check, cluster-check         run in containers and on a SLURM cluster of its own; installs system packages (root)
# make lock       choose envs/constraints.txt anew
# make page RESULTS=results/demo [EXAMPLE=photo.jpg]   model/page.html: the model in a browser, without a server (npm)
# make bootstrap-weights [FACES=folder]        train superpoint-open anew and put it into the package (docs/bootstrap-weights.md)
# make site       the documentation in build/site; reading it needs no network
# make documents  make config.yaml, config/README.md and the JSON schema anew from the typed configuration
# make pretrained CORES=16 ACCEPT=celeba,...     measure the authors' published weights and judge them
# make paper EXPERIMENT=celeba_k10 SEEDS=1,2,3 CORES=16 ACCEPT=celeba,...   the paper's run, once a seed, and its verdict
# make verdict-summary SUMMARY=FILE              append all verdicts that are there to a file (none: print them)
# make clean-results  remove results/ but not resources/, so that everything that is measured runs again
# make clean      remove the environment and caches; results/ and resources/ stay
PYTHON ?= python3
CORES ?= 2
VENV := .venv
BIN := $(VENV)/bin
# Snakemake keeps a cache of its own; it stays in the project.
SNAKEMAKE := XDG_CACHE_HOME=$(CURDIR)/.snakemake/cache $(BIN)/snakemake

# Licences that you have read and accept, with commas between; `landmarks downloads` shows them.
ACCEPT ?=
# An experiment of config/, and the seeds to run it with; none: the one in that file.
EXPERIMENT ?= celeba_k10
SEEDS ?=
# Given to every step of a job by GitHub Actions; what is appended to it stands on the page of the run.
SUMMARY ?= $(GITHUB_STEP_SUMMARY)
CONFIG := $(if $(ACCEPT),'accept_licences=[$(ACCEPT)]')
SWEEP := $(if $(SEEDS),'sweep={seed: [$(SEEDS)]}')

# docker or podman, and what to give to its build.
ENGINE ?= $(shell for one in docker podman; do $$one info >/dev/null 2>&1 && echo $$one && break; done)
BUILD_OPTIONS ?=
CUDA_BASE ?= docker.io/nvidia/cuda:12.9.1-base-ubuntu24.04
CPU_BASE ?= docker.io/library/debian:bookworm-slim
# Address of an index of wheels, for image-cpu: that of PyTorch's CPU builds, where pip finds the CUDA builds first.
EXTRA_INDEX ?=
IMAGE := localhost/landmark-discovery
VERSION = $(shell sed -n 's/^__version__ = "\(.*\)"/\1/p' src/landmark_discovery/__init__.py)
LOCKS := envs/constraints.txt envs/requirements-common.txt
# As image_tag of src/landmark_discovery/config/container.py.
tag = $(VERSION)-$(shell cat $(LOCKS) envs/$(1) | sha256sum | cut -c -10)
CPU_TAG = $(call tag,requirements.txt)-cpu
GPU_TAG = $(call tag,requirements-gpu.txt)-gpu
build = $(or $(ENGINE),$(error neither docker nor podman answers)) build --file docker/Dockerfile --label org.opencontainers.image.version=$(VERSION) \
  --label org.opencontainers.image.revision=$(shell git rev-parse HEAD 2>/dev/null) $(BUILD_OPTIONS)

# Folder of a finished run, and a picture that its page offers.
RESULTS ?= results/demo
EXAMPLE ?=
WEB_RUNTIME := build/web/node_modules/onnxruntime-web

# Folder of real faces with true points, to measure detectors on.
FACES ?=
TRAINED := results/bootstrap_training/superpoint-open/weights

.PHONY: page site web-runtime bootstrap-weights
.PHONY: image image-cpu image-tags sif sif-gpu containers-check cluster-check lock
.PHONY: demo test soak documents pretrained paper verdict-summary clean-results clean
.DELETE_ON_ERROR:

demo: $(VENV)/.installed
	$(SNAKEMAKE) --cores $(CORES)
	@echo "The report: $(CURDIR)/results/demo/report.html"

test: $(VENV)/.installed-test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(SNAKEMAKE) --lint
	$(BIN)/landmarks config-documents --check
	OMP_WAIT_POLICY=PASSIVE $(BIN)/pytest -n 2

soak: $(VENV)/.installed-test
	LANDMARKS_KILL_CYCLES=5 $(BIN)/pytest tests/workflow/test_killing.py

image:
	$(build) --build-arg BASE_IMAGE=$(CUDA_BASE) --tag $(IMAGE):$(GPU_TAG) .

image-cpu:
	$(build) --build-arg BASE_IMAGE=$(CPU_BASE) --build-arg VARIANT=cpu \
	  $(if $(EXTRA_INDEX),--build-arg PIP_EXTRA_INDEX_URL=$(EXTRA_INDEX)) --tag $(IMAGE):$(CPU_TAG) .

image-tags:
	@echo $(CPU_TAG) $(GPU_TAG)

sif: image-cpu
	docker/sif.sh $(ENGINE) $(IMAGE):$(CPU_TAG) docker/landmark-discovery-$(CPU_TAG).sif

sif-gpu: image
	docker/sif.sh $(ENGINE) $(IMAGE):$(GPU_TAG) docker/landmark-discovery-$(GPU_TAG).sif

containers-check: $(VENV)/.installed-test
	$(BIN)/pytest -s -v -m containers tests/system

cluster-check: $(VENV)/.installed-test
	$(BIN)/pytest -s -v -m cluster tests/system

# Neither PyTorch nor what only its GPU builds bring, which it pins itself.
lock: $(BIN)/python
	rm -rf build/lock
	$(BIN)/python -m venv build/lock
	for file in common host; do sed '/^--constraint/d' envs/requirements-$$file.txt > build/lock/$$file.txt; done
	build/lock/bin/python -m pip install --quiet --requirement build/lock/common.txt --requirement build/lock/host.txt
	build/lock/bin/python -m pip freeze --all | sed 's/.*/\L&/; s/_/-/g' | LC_ALL=C sort > build/lock/all.txt
	{ sed '/^[^#]/d' envs/constraints.txt; grep -v -e '^pip==' -e '^torch==' -e '^triton==' -e '^nvidia-' -e '^cuda-' \
	  build/lock/all.txt; } > build/lock/constraints.txt
	mv build/lock/constraints.txt envs/constraints.txt

page: $(VENV)/.installed web-runtime
	$(BIN)/landmarks export-onnx --model $(RESULTS)/model/model.safetensors --output $(RESULTS)/model/model.onnx
	$(BIN)/landmarks export-page --onnx $(RESULTS)/model/model.onnx --runtime $(WEB_RUNTIME)/dist --output $(RESULTS)/model/page.html \
	  $(if $(EXAMPLE),--example $(EXAMPLE))
	@echo "The page: $(CURDIR)/$(RESULTS)/model/page.html"

# As web/package-lock.json pins it.
web-runtime: $(WEB_RUNTIME)/package.json

$(WEB_RUNTIME)/package.json: web/package.json web/package-lock.json
	mkdir -p build/web && cp web/package.json web/package-lock.json build/web
	npm ci --prefix build/web --silent --ignore-scripts
	touch $@

site: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement envs/requirements-docs.txt
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

bootstrap-weights: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement envs/requirements-bootstrap-training.txt
	$(SNAKEMAKE) --snakefile workflow/bootstrap_training/Snakefile --cores $(CORES) $(if $(FACES),--config 'faces=$(FACES)')
	cp $(TRAINED)/superpoint_open.safetensors $(TRAINED)/superpoint_open.sha256 src/landmark_discovery/bootstrap/
	cp $(TRAINED)/superpoint_open.md $(TRAINED)/superpoint_open.json src/landmark_discovery/bootstrap/

documents: $(VENV)/.installed
	$(BIN)/landmarks config-documents

pretrained: $(VENV)/.installed
	$(SNAKEMAKE) pretrained_celeba pretrained_ls3d --cores $(CORES) $(if $(CONFIG),--config $(CONFIG))
	$(BIN)/landmarks verdict-summary results/pretrained_celeba/verdict results/pretrained_ls3d/verdict

paper: $(VENV)/.installed
	$(SNAKEMAKE) --cores $(CORES) --configfile config/$(EXPERIMENT).yaml \
	  $(if $(CONFIG)$(SWEEP),--config $(CONFIG) $(SWEEP))
	$(BIN)/landmarks verdict-summary results/$(EXPERIMENT)$(if $(SEEDS),-sweep)/verdict

verdict-summary: $(VENV)/.installed
	$(BIN)/landmarks verdict-summary --tolerate-misses $(if $(SUMMARY),--append-to $(SUMMARY)) results/*/verdict

clean-results:
	find results -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

clean:
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .snakemake/cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); \
	  echo "error: no virtual environment with $(PYTHON); on Debian: apt install python3-venv" >&2; exit 1; }

# Done once, and again only when the pins change.
$(VENV)/.installed: envs/constraints.txt envs/requirements-common.txt envs/requirements.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --requirement envs/requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	touch $@

$(VENV)/.installed-test: $(addprefix envs/requirements-,test.txt docs.txt bootstrap-training.txt) $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --requirement envs/requirements-test.txt
	touch $@
