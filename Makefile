# Everything a newcomer types. Each target does its own set-up.

GO     ?= go
REPORT ?= runs
GOFUMPT       = $(GO) run mvdan.cc/gofumpt@v0.12.0
STATICCHECK   = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.7.0

.DEFAULT_GOAL := help

## drill: lose the main region of the reference platform, and prove RTO and RPO
.PHONY: drill
drill: bin/holdfast
	@bin/holdfast run lose-main-region --runs $(REPORT)

## test: unit tests, conformance suites, CLI scripts and the e2e suite
.PHONY: test
test: unit e2e examples

# Drills mostly wait, so two run side by side; the suites before them keep the
# processors busy, so they go first.
.PHONY: unit e2e examples
unit:
	$(GO) test -timeout 20m $$($(GO) list ./... | grep -vE '/(e2e|examples)')
examples:
	$(GO) test -p 1 -timeout 10m ./examples/...
e2e:
	$(GO) tool ginkgo --procs=2 --timeout=60m --no-color --label-filter='!nightly' ./e2e

## nightly: the whole e2e suite, each scenario on each runtime, an hour or so
.PHONY: nightly
nightly:
	$(GO) tool ginkgo --procs=2 --timeout=3h --no-color ./e2e

## smoke: the pull-request set of the e2e suite, under 3 minutes
.PHONY: smoke
smoke:
	$(GO) tool ginkgo --procs=3 --timeout=10m --no-color --label-filter=smoke ./e2e

## race: unit tests and conformance suites under the race detector
.PHONY: race
race:
	$(GO) test -race -timeout 30m $$($(GO) list ./... | grep -v /e2e)

## bench: the figures, each beside its objective, as a ratio measured side by side where there is a peer; a region is lost RUNS times, 20 if not said
.PHONY: bench
RUNS ?= 20
bench:
	@$(GO) run ./e2e/bench/figures -runs $(RUNS)

## storm: no false switch or alarm while all links jitter for STORM, 30 minutes if not said
.PHONY: storm
STORM ?= 30m
storm:
	@$(GO) run ./e2e/bench/figures -only Storm -storm $(STORM)

## lint: formatting, vet and staticcheck
.PHONY: lint
lint:
	@test -z "$$($(GOFUMPT) -l .)" || { echo "not formatted with gofumpt:"; $(GOFUMPT) -l .; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...

## fmt: format everything
.PHONY: fmt
fmt:
	$(GOFUMPT) -w .

## build: the command line, in bin/
.PHONY: build bin/holdfast
build: bin/holdfast
bin/holdfast:
	@$(GO) build -o $@ ./cmd/holdfast

## clean: remove what runs left behind that have no owner any more, and built files
.PHONY: clean
clean: bin/holdfast
	@bin/holdfast clean
	@rm -rf bin

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{printf "  make %-8s %s\n", $$1, $$2}'
