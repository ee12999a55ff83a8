# One set of build flags everywhere: another one costs a second cold build.
export GOFLAGS := -trimpath -buildvcs=false
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
COMMIT := $(shell git rev-parse HEAD 2>/dev/null)
DATE := $(shell git log -1 --format=%cI 2>/dev/null)
# The tag leaves out the pages that urfave/cli can make of the verbs, and the Markdown parser they need at each start.
PROGRAM = -tags urfave_cli_no_docs -ldflags "$(LINK)" ./cmd/beansprout
LINK := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT) -X main.date=$(DATE)
SYSTEMS := linux-amd64 linux-arm64 darwin-amd64 darwin-arm64
BIN := bin/beansprout
TESTED := $(CURDIR)/bin/test/beansprout
FUZZTIME ?= 5m
# compose/jsonschema, by the name of the module that it replaces.
STANDIN := github.com/santhosh-tekuri/jsonschema/v6/...
# They take minutes, and so begin first.
LONGEST := ./test/stories ./test/faults ./daemon ./envs ./localcloud

.PHONY: build dist dist-check demo demo-stop test lint bench screenshots soak test-aws transcripts

# The program needs no C library, so that it runs in an image from scratch; only the race detector does.
build dist lint: export CGO_ENABLED = 0

build:
	@go build -o $(BIN) $(PROGRAM)

# One file for each system, and their checksums. The same commit and Go give the same bytes.
dist:
	@rm -rf dist && mkdir dist
	@for system in $(SYSTEMS); do \
	  GOOS=$${system%-*} GOARCH=$${system#*-} go build -o dist/beansprout-$$system $(PROGRAM) || exit 1; \
	done
	@cd dist && sha256sum beansprout-* >SHA256SUMS && cat SHA256SUMS

# A clone of the commit in another directory gives the same bytes.
dist-check: dist
	@again=$$(mktemp -d) && git clone -q . $$again/clone && $(MAKE) -s -C $$again/clone dist >/dev/null && \
	cmp dist/SHA256SUMS $$again/clone/dist/SHA256SUMS && echo "the same bytes twice" && rm -rf $$again

demo: build
	@.ci/engine $(BIN)
	@url=$$($(BIN) --local up examples/hello --feature demo) && \
	echo "$$url" && go run ./examples/visit "$$url" && \
	echo "It runs until 'make demo-stop'. Meanwhile: open $$url, $(BIN) local board, or $(BIN) --local list"

# The local cloud is reset when nothing else lives in it; otherwise it is stopped, and the
# next --local brings the rest back.
demo-stop: build
	@$(BIN) --local down --config examples/hello/beansprout.yaml --feature demo >/dev/null
	@if [ "$$($(BIN) --local list --json)" = "[]" ]; then $(BIN) local reset --yes; else $(BIN) local stop; fi

# test/stories and test/faults drive a binary with the race detector. Go's test cache goes by the
# binary's hash and date: an equal one keeps its date. Four packages at once, because tests wait for the
# engine and for clocks half of the time; lint has vetted them.
test: lint
	@.ci/compiler
	@.ci/groovy
	@.ci/chromium
	@$(MAKE) --no-print-directory build
	@.ci/engine $(BIN)
	@go build -race -o $(TESTED).new ./cmd/beansprout
	@cmp -s $(TESTED).new $(TESTED) && rm $(TESTED).new || mv $(TESTED).new $(TESTED)
	BEANSPROUT_TEST_BINARY=$(TESTED) BEANSPROUT_TEST_BINARY_SHA256=$$(sha256sum $(TESTED) | cut -d' ' -f1) go test -race -p 4 -vet=off -timeout 30m $(LONGEST) ./...
	CGO_ENABLED=0 go test -timeout 30m ./test/proof ./release # with the race detector it samples far less
	CGO_ENABLED=0 go test -timeout 30m -parallel 6 ./test/browser # which waits for readings; it has no build with the race detector
	cd examples/hello && go vet ./... && go test ./...
	cd examples/compose/shop && go vet ./...
	cd test/workflows && CGO_ENABLED=0 go vet . && CGO_ENABLED=0 go test -count 1 . # the cache knows no files of another module

lint:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted (gofmt -w):"; echo "$$out"; exit 1; }
	go vet ./... $(STANDIN)
	go tool staticcheck ./... $(STANDIN)

# Writes the transcripts of README.md anew; make test compares them.
transcripts: build
	BEANSPROUT_TEST_BINARY=$(CURDIR)/$(BIN) BEANSPROUT_TEST_BINARY_SHA256=$$(sha256sum $(BIN) | cut -d' ' -f1) go test -count=1 -run Transcripts ./test/stories -update

# The tables of docs/performance.md, and the benchmarks of parts.
bench: build
	@.ci/engine $(BIN)
	go test -run '^$$' -bench 'Startup|Images|Deploys|Cold|Rounds' -benchtime 7x -timeout 60m ./test/bench
	go test -run '^$$' -bench 'Memory' -benchtime 1x -timeout 60m ./test/bench
	go test -run '^$$' -bench . -skip 'Startup|Images|Deploys|Cold|Rounds|Memory' -benchtime 3x ./...

# Pictures of the board's pages, for people.
screenshots:
	@.ci/chromium
	CGO_ENABLED=0 go test -count 1 -run Screenshots ./test/browser -screenshots $(CURDIR)/screenshots && ls screenshots

# The long forms of what make test samples, and every fuzz target for FUZZTIME.
soak:
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'ThousandEnvironments|NoRequestFails|ManyEnvironments|LittleMemory|ManyTakeTurns' ./localcloud/... ./envs/... ./cmd/beansprout ./test/faults
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'KilledAnywhere|ACrowd|HostileNamesReach' ./envs ./cmd/beansprout ./test/faults
	BEANSPROUT_SOAK=1 go test -timeout 180m -parallel 8 -v -run 'FaultsAnywhere' ./test/faults
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'StoriesOfAComposeFile' ./test/stories
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'IsJudgedAlike' ./cmd/internal/project/config
	BEANSPROUT_SOAK=1 go test -timeout 180m -v -run 'TheOracleLetsGo|EveryOrder|ServesForWeeks' ./janitor ./test/proof
	BEANSPROUT_SOAK=1 go test -timeout 300m -v -run 'NoSweepRemoves' ./test/proof
	BEANSPROUT_SOAK=1 CGO_ENABLED=0 go test -timeout 60m -v -run 'TenThousandChanges' ./test/browser
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'RandomWalks' ./release
	@for target in $$(git grep -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed 's/^func //' | sort -u); do \
	  for file in $$(git grep -lE "^func $$target\(" -- '*_test.go'); do \
	    echo "$$target in $$(dirname $$file)"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) || exit 1; \
	  done; \
	done

# The same stories in a real account: BEANSPROUT_TEST_APPLICATION=NAME, and it asks first.
test-aws:
	@.ci/test-aws
