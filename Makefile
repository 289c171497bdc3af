# shopctl: two commands set it up and prove it: `make up` and `make test`.

GO       ?= go
TAGS     := grpcnotrace
LDFLAGS  := -s -w
BIN      := bin/shopctl
PREFIX   ?= /usr/local
INSTALL  := install
# Where a package puts its files, below DESTDIR.
BINDIR   := $(DESTDIR)$(PREFIX)/bin
MANDIR   := $(DESTDIR)$(PREFIX)/share/man/man1
BASHDIR  := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
ZSHDIR   := $(DESTDIR)$(PREFIX)/share/zsh/site-functions
FISHDIR  := $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d
# Protocol buffer stubs and lint tools live in modules of their own, so that the shop's stays small.
TOOL     := $(GO) tool -modfile=tools/lint/go.mod
GO_FILES := $(shell find cmd pkg services lessons tools -name '*.go' -not -path '*/testdata/*')

.PHONY: up down build install uninstall test test-storm test-court test-prometheus test-h2spec test-peers test-grpcurl test-xds test-docker test-cheats apiserver-golden bench lint cross words vulncheck demo docs explain generate check-generated fuzz clean

up: build ## build shopctl and start the shop
	$(BIN) up

down: ## stop the shop
	$(BIN) down

build: $(BIN)

$(BIN): $(GO_FILES) go.mod go.sum $(shell find services lessons pkg/lesson/scaffold -name '*.yaml' -o -name '*.md' -o -name '*.json' -o -name '*.css' -o -name '*.svg' -o -name '*.proto' -o -name '*.txtar')
	CGO_ENABLED=0 $(GO) build -tags $(TAGS) -trimpath -ldflags '$(LDFLAGS)' -o $@ ./cmd/shopctl

install: build ## binary, man pages and shell completion below PREFIX (/usr/local) and DESTDIR
	$(INSTALL) -d "$(BINDIR)" "$(MANDIR)" "$(BASHDIR)" "$(ZSHDIR)" "$(FISHDIR)"
	$(INSTALL) -m 755 $(BIN) "$(BINDIR)/shopctl"
	$(INSTALL) -m 644 docs/man/*.1 "$(MANDIR)"
	$(BIN) completion bash > "$(BASHDIR)/shopctl"
	$(BIN) completion zsh > "$(ZSHDIR)/_shopctl"
	$(BIN) completion fish > "$(FISHDIR)/shopctl.fish"

uninstall: ## remove what install wrote
	rm -f "$(BINDIR)/shopctl" "$(BASHDIR)/shopctl" "$(ZSHDIR)/_shopctl" "$(FISHDIR)/shopctl.fish"
	cd docs/man && for page in *.1; do rm -f "$(MANDIR)/$$page"; done

test: ## all tests, with the race detector
	$(GO) test -race -tags $(TAGS) -timeout 15m ./...

test-storm: ## 90 seconds of kill -9, ten of them of the daemon, while customers order; then the books must balance
	$(GO) test -tags $(TAGS) -timeout 10m -run TestTheBooksBalanceAfterAStorm -v ./cmd/shopctl -storm 90s -storm-daemon 10

test-court: ## a checkout with each of three mistakes on trial, in every cell; five minutes
	$(GO) test -tags $(TAGS) -timeout 15m -run TestTheCourt -v ./cmd/shopctl -court

test-prometheus: ## our storage, rules and templates against Prometheus' own
	cd tools/promcheck && $(GO) test -tags $(TAGS) ./...

test-h2spec: ## the sidecars' HTTP/2 against h2spec, beside a proxy of net/http
	cd tools/h2spec && $(GO) test -tags $(TAGS) -timeout 5m ./...

test-peers: ## sidecars between nghttp2, HAProxy, nginx and curl, and tcpdump on the wire; needs these programs, and root for the last
	$(GO) test -tags $(TAGS),peers -timeout 10m -run 'Others|OnTheWire' ./pkg/mesh/meshtest

test-grpcurl: ## command lines of grpcurl behind `shopctl call`, compared with grpcurl's own answers
	$(GO) test -tags $(TAGS),peers -timeout 10m -run Grpcurl ./pkg/cli/call

test-xds: ## the mesh's control plane with the xDS client of grpc-go
	cd tools/xdsclient && $(GO) test -tags $(TAGS) -timeout 5m ./...

test-docker: build ## whole shops on a real engine in namespaces of its own; needs docker.io and root on Linux
	$(GO) test -tags $(TAGS),docker -timeout 15m ./pkg/workload/docker/dockertest -shopctl $(CURDIR)/$(BIN)

test-cheats: build ## every cheat on every goal of the lessons, with three seeds, and a table of them; takes an hour or two
	$(BIN) lesson test --script cheats --cheats all --parallel 4

apiserver-golden: ## record in testdata/apiserver what a real API server answers; building it takes ten minutes the first time
	cd tools/apiserver && GOFLAGS=-trimpath $(GO) test -vet=off -timeout 30m -run Recording . -update

bench: build ## speed and memory, as ratios against a baseline of the same run
	$(GO) test -tags $(TAGS) -run '^$$' -bench . -benchtime 1x -timeout 20m ./pkg/bench
	$(GO) test -tags $(TAGS) -run '^$$' -bench Frame -benchtime 50x ./pkg/tui
	$(GO) test -tags $(TAGS) -run '^$$' -bench InForce -benchtime 200x ./pkg/mesh/ads
	cd tools/promcheck && $(GO) test -tags $(TAGS) -run '^$$' -bench . -benchtime 20x ./...

lint: vulncheck words ## vet, staticcheck, gofumpt, known vulnerabilities, wordings, syntax of scripts: no findings
	bash -n .ci/run && bash -n tools/lint/vulncheck && sh -n tools/demo.sh
	$(GO) vet -tags $(TAGS) ./...
	$(GO) vet -tags $(TAGS),peers ./pkg/mesh/meshtest ./pkg/cli/call
	$(GO) vet -tags $(TAGS),docker ./pkg/workload/docker/dockertest
	$(TOOL) staticcheck -tags $(TAGS) ./...
	@unformatted="$$($(TOOL) gofumpt -l cmd pkg services lessons tools | grep -vE '\.pb(\.gw)?\.go$$' || true)"; \
	if [ -n "$$unformatted" ]; then echo "not formatted, run 'go tool -modfile=tools/lint/go.mod gofumpt -w FILE':"; echo "$$unformatted"; exit 1; fi

cross: ## vet for the systems that the tests do not run on
	GOOS=linux GOARCH=arm64 CGO_ENABLED=0 $(GO) vet -tags $(TAGS) ./...
	GOOS=darwin GOARCH=arm64 CGO_ENABLED=0 $(GO) vet -tags $(TAGS) ./...

words: ## wordings that docs/glossary.md replaces; one directory: go run ./tools/words ./pkg/cli/...
	$(GO) run -tags $(TAGS) ./tools/words

vulncheck: ## known vulnerabilities; VULNDB names a mirror of the database, VULNCHECK=required insists on one
	tools/lint/vulncheck

demo: build ## the five-minute tour of the README, by itself
	./tools/demo.sh $(BIN)

docs: ## the reference of commands in docs/cli, and of keys in docs/keys.md
	$(GO) run -tags $(TAGS) ./tools/docs

explain: ## the descriptions of fields that "shopctl explain" shows, from Kubernetes' and Istio's modules
	$(GO) run -tags $(TAGS) ./tools/explain

generate: ## Go code from the protocol buffers
	$(GO) tool -modfile=tools/buf/go.mod buf generate pkg/rpc/proto --template tools/buf/buf.gen.yaml

check-generated: generate docs ## fails when checked-in generated files are stale
	git diff --exit-code -- pkg/rpc docs/cli docs/man docs/keys.md

fuzz: ## ten seconds of every fuzz test
	@set -e; for pkg in $$($(GO) list -tags $(TAGS) ./...); do \
	  for f in $$($(GO) test -tags $(TAGS) -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "$$pkg $$f"; $(GO) test -tags $(TAGS) -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$pkg; \
	  done; done

clean:
	rm -rf bin
