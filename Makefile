# The only entry points. CI calls the same ones.
#   make demo                          a fleet of four machines, converging, on this machine
#   make test                          everything that is fast: unit, conformance, race, sandbox stories
#   make sandbox-test RUN=TestEtcdHeal only the sandbox stories whose names match
#   make packages                      deb and rpm
#   make soak                          the long walks: every crash point, every power cut, every fuzz target

GO      ?= go
RUN     ?= .
FUZZTIME ?= 30s
# of the sample that make test walks; make sandbox-test draws a new one each time
SEED    ?= 13016039714513482205
SUDO    := $(shell [ "$$(id -u)" = 0 ] || echo sudo)
LINT    := $(GO) tool -modfile=tools/go.mod golangci-lint

.PHONY: all setup build packages test unit sandbox-test soak golden fuzz bench lint demo demo-down clean

all: lint unit build

setup: ## what a fresh Debian machine lacks
	./setup.sh

build:
	CGO_ENABLED=0 $(GO) build -trimpath -ldflags '-s -w' -o bin/ ./cmd/... ./lab/cmd/lab

packages: ## deb and rpm in dist/
	GO=$(GO) packages/build.sh

test: setup unit build
	PIGSYNC_SEED=$(SEED) ./stories.sh -short -run '$(RUN)'

unit:
	$(GO) test -race -shuffle=on ./...

sandbox-test: build
	./stories.sh -run '$(RUN)' -v

soak: build
	PIGSYNC_SOAK=1 PIGSYNC_EVERY_CRASH=1 PIGSYNC_SEEDS=60 $(GO) test -count=1 -timeout 1h ./executors/... ./policies ./reconcile
	PIGSYNC_SOAK=1 ./stories.sh -run '$(RUN)' -v -timeout 6h
	./fuzz.sh $(FUZZTIME)

golden:
	$(GO) test ./modules/... ./cmd/... -update

fuzz:
	./fuzz.sh $(FUZZTIME)

bench:
	$(GO) test -run '^$$' -bench . -benchmem ./...

lint:
	$(LINT) run ./...

demo: setup build
	$(SUDO) ./demo.sh

demo-down:
	$(SUDO) ./demo.sh down

clean:
	rm -rf bin dist
