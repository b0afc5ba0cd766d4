# Everything a newcomer types. Each target does its own set-up.

GO     ?= go
REPORT ?= runs
GOFUMPT       = $(GO) run mvdan.cc/gofumpt@v0.12.0
STATICCHECK   = $(GO) run honnef.co/go/tools/cmd/staticcheck@v0.7.0
GOVULNCHECK   = $(GO) run golang.org/x/vuln/cmd/govulncheck@v1.9.0
BENCHSTAT     = $(GO) run golang.org/x/perf/cmd/benchstat@v0.0.0-20260908200009-22c9c6c9d4da
GORELEASER    = $(GO) run github.com/goreleaser/goreleaser/v2@v2.18.2

.DEFAULT_GOAL := help

## drill: lose the main region of the reference platform, and prove RTO and RPO
.PHONY: drill
drill: build
	@bin/holdfast run lose-main-region --runs $(REPORT)

## test: unit tests, conformance suites, CLI scripts and the e2e suite
.PHONY: test
test: unit e2e examples

# What is judged runs alone: a machine that is busy with something else makes a run
# unknown, cause environment. So the packages whose tests judge runs follow the
# others, one at a time, and the suite drills one scenario at a time. The engine's
# own tests are on a store in memory and mostly wait.
.PHONY: unit e2e examples
unit:
	$(GO) test -timeout 20m $$($(GO) list ./... | grep -vE '/(e2e|examples|cmd/holdfast$$|harness)')
	$(GO) test -p 1 -parallel 8 -timeout 20m ./harness/...
	$(GO) test -parallel 1 -timeout 20m ./cmd/holdfast
examples:
	$(GO) test -p 1 -timeout 10m ./examples/...
e2e:
	$(GO) tool ginkgo --procs=1 --timeout=60m --no-color --label-filter='!nightly' ./e2e

## nightly: what make test leaves out because it mostly repeats the rest: each scenario on each runtime, larger shapes, comparisons; an hour or so
.PHONY: nightly
nightly: export HOLDFAST_NIGHTLY = 1
nightly:
	$(GO) test -p 1 -parallel 1 -timeout 60m ./cmd/holdfast ./targets/mcp ./faults
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

## lint: golangci-lint as .golangci.yml says where it is installed; formatting, vet and staticcheck where it is not
.PHONY: lint
lint:
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; else $(MAKE) --no-print-directory lint-basic; fi

.PHONY: lint-basic
lint-basic:
	@test -z "$$($(GOFUMPT) -l .)" || { echo "not formatted with gofumpt:"; $(GOFUMPT) -l .; exit 1; }
	$(GO) vet ./...
	$(STATICCHECK) ./...

## fuzz: every fuzz target for FUZZTIME, 10s if not said, beginning with the seeds in the tree
.PHONY: fuzz
FUZZTIME ?= 10s
fuzz:
	@for file in $$(grep -rl --include='*_test.go' '^func Fuzz' .); do \
		for target in $$(sed -n 's/^func \(Fuzz[A-Za-z0-9_]*\)(.*/\1/p' $$file); do \
			echo "fuzz $$(dirname $$file) $$target for $(FUZZTIME)"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) $$(dirname $$file) || exit 1; \
		done; \
	done

## generate-check: the generated protobuf code is what the .proto files make
.PHONY: generate-check
generate-check:
	cd mcp/api && $(GO) run ./generate -check

## vuln: known vulnerabilities in code that is called; status 3 when the database cannot be reached
.PHONY: vuln
vuln:
	@$(GOVULNCHECK) ./...; status=$$?; case $$status in \
		0) ;; \
		3) echo "vuln: vulnerabilities were found; see above" >&2; exit 1 ;; \
		*) echo "vuln: nothing was checked: govulncheck failed, as it does when the vulnerability database cannot be reached" >&2; exit 3 ;; \
	esac

## bench-compare: small benchmarks against the kept baseline, with benchstat; on another machine only bytes and allocations compare
.PHONY: bench-compare bench-run bench-baseline
BENCH_BASELINE = testdata/bench/baseline.txt
BENCH_PACKAGES = ./history ./scenarios
bench-compare: bench-run
	$(BENCHSTAT) -ignore cpu baseline=$(BENCH_BASELINE) now=bin/bench.txt
bench-run:
	@mkdir -p bin
	$(GO) test -run '^$$' -bench . -benchtime 200ms -count 6 $(BENCH_PACKAGES) | tee bin/bench.txt

## bench-baseline: replace the kept baseline by the figures of this machine
bench-baseline: bench-run
	@mkdir -p $(dir $(BENCH_BASELINE))
	cp bin/bench.txt $(BENCH_BASELINE)

## release-check: build the release's archives in dist/, and publish nothing
.PHONY: release-check
release-check:
	$(GORELEASER) release --snapshot --clean

## fmt: format everything
.PHONY: fmt
fmt:
	$(GOFUMPT) -w .

## build: the command line and the programs that it starts, in bin/
.PHONY: build
build:
	@GO=$(GO) .ci/build bin ./cmd/...

## clean: remove what runs left behind that have no owner any more, and built files
.PHONY: clean
clean:
	@$(GO) run ./cmd/holdfast clean
	@rm -rf bin dist

## help: this list
.PHONY: help
help:
	@sed -n 's/^## //p' $(MAKEFILE_LIST) | awk -F': ' '{printf "  make %-14s %s\n", $$1, $$2}'
