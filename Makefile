# One set of build flags everywhere: another one costs a second cold build.
export GOFLAGS := -trimpath -buildvcs=false
VERSION := $(shell git describe --always --dirty 2>/dev/null || echo development)
BIN := bin/beansprout
FUZZTIME ?= 5m

.PHONY: build demo demo-stop test lint bench soak test-aws

build:
	@go build -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/beansprout

demo: build
	@.ci/engine $(BIN)
	@url=$$($(BIN) --local up examples/hello --feature demo) && \
	echo "$$url" && echo && go run ./examples/visit "$$url" && echo && \
	echo "It runs until 'make demo-stop'. Meanwhile: open $$url, or $(BIN) --local list"

# The local cloud is reset when nothing else lives in it; otherwise it is stopped, and the
# next --local brings the rest back.
demo-stop: build
	@$(BIN) --local down --config examples/hello/beansprout.yaml --feature demo >/dev/null
	@if [ "$$($(BIN) --local list --json)" = "[]" ]; then $(BIN) local reset; else $(BIN) local stop; fi

test: lint
	@.ci/compiler
	@go build -ldflags "-s -w -X main.version=$(VERSION)" -o $(BIN) ./cmd/beansprout
	@.ci/engine $(BIN)
	go test -race -timeout 30m ./...
	cd examples/hello && go vet ./... && go test ./...

lint:
	@out=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$out" || { echo "not formatted (gofmt -w):"; echo "$$out"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

# The tables of docs/performance.md, and the benchmarks of parts.
bench: build
	@.ci/engine $(BIN)
	go test -run '^$$' -bench 'Images|Deploys|Cold' -benchtime 7x -timeout 60m ./cmd/beansprout
	go test -run '^$$' -bench 'Memory' -benchtime 1x -timeout 60m ./cmd/beansprout
	go test -run '^$$' -bench . -skip 'Images|Deploys|Cold|Memory' -benchtime 3x ./...

# The long forms of what make test samples, and every fuzz target for FUZZTIME.
soak:
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'ThousandEnvironments|NoRequestFails|ManyEnvironments|LittleMemory|ManyTakeTurns' ./localcloud/... ./envs/ledger ./cmd/beansprout
	BEANSPROUT_SOAK=1 go test -timeout 60m -v -run 'KilledAnywhere|ACrowd|OneFaultKeeps' ./cmd/beansprout
	BEANSPROUT_SOAK=1 go test -timeout 180m -parallel 8 -v -run 'FaultsAnywhere' ./cmd/beansprout
	@for target in $$(git grep -hoE '^func Fuzz[A-Za-z0-9_]+' -- '*_test.go' | sed 's/^func //' | sort -u); do \
	  for file in $$(git grep -lE "^func $$target\(" -- '*_test.go'); do \
	    echo "$$target in $$(dirname $$file)"; go test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) ./$$(dirname $$file) || exit 1; \
	  done; \
	done

# The same stories in a real account: BEANSPROUT_TEST_APPLICATION=NAME, and it asks first.
test-aws:
	@.ci/test-aws
