# What a developer and CI run. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules

BIN          := $(CURDIR)/.bin
LINT_VERSION := v2.12.1
LINT         := $(BIN)/golangci-lint-$(LINT_VERSION)
# A count of inputs: with a short time, `go test` now and then fails with its own deadline.
FUZZTIME     ?= 20000x
# How long `make chaos` goes on: some 2 s a kill, a third of one a cut.
KILLS        ?= 200
CUTS         ?= 2000
CLIENTS      := graph/testdata/clients
DASHBOARD    := web/dashboard
PEERS        := bench/node
# What gqlgen makes, here and for a server to be compared with.
GENERATED    := graph/generated bench/naive/generated

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

.PHONY: test
# In this order, so that a cheap mistake shows before an expensive one. Each step is a make of
# its own: with -j they would run into each other.
test: ## everything CI asks for; installs what it needs
	@$(MAKE) --no-print-directory need-postgres need-node need-chromium
	@$(MAKE) --no-print-directory check-generated
	@$(MAKE) --no-print-directory check-dashboard
	@$(MAKE) --no-print-directory vet
	@$(MAKE) --no-print-directory lint
	@$(MAKE) --no-print-directory test-node
	@$(MAKE) --no-print-directory test-browser
	@$(MAKE) --no-print-directory race

.PHONY: race
race: ## the Go tests under the race detector, and without it those that count allocations
	go test -race -timeout 10m ./...
	go test -run TestAllocations ./graph ./db

.PHONY: test-node
test-node: need-node need-postgres $(CLIENTS)/node_modules/.package-lock.json $(PEERS)/node_modules/.package-lock.json ## clients that others wrote, in Node, against servers of their own
	cd docs/examples/avatar-server-node && npm ci --silent --no-audit --no-fund </dev/null
	go test -count=1 -tags node -run TestNode -timeout 5m . ./bench

.PHONY: test-browser
# GREENROOM_PICTURES=FOLDER keeps a picture of what a failed test saw.
test-browser: need-node need-chromium $(DASHBOARD)/node_modules/.package-lock.json ## the pages in a browser, as they are in the binary
	go test -count=1 -parallel 2 -tags browser -run TestBrowser -timeout 15m .

.PHONY: pictures
pictures: need-node need-chromium $(DASHBOARD)/node_modules/.package-lock.json ## docs/pictures, from the pages as they are in the binary
	go test -tags browser -run '^TestPictures$$' -timeout 5m . -args -pictures docs/pictures

.PHONY: vet
vet: ## go vet
	go vet ./...

.PHONY: lint
# A cache of its own: a shared one answers with another clone's paths, and rules that name paths
# then do not hold.
lint: $(LINT) ## golangci-lint, as pinned above
	GOLANGCI_LINT_CACHE=$(BIN)/lint-cache $(LINT) run ./...

.PHONY: build
build: ## the binary, ./greenroom
	go build -trimpath -o greenroom .

.PHONY: generate
generate: ## graph/generated from schema.graphqls and gqlgen.yml, and its like in bench/naive
	go run github.com/99designs/gqlgen generate
	go run github.com/99designs/gqlgen generate --config bench/naive/gqlgen.yml

.PHONY: check-generated
# Compares with what lies in the tree, not with the last commit: half-done work can be checked too.
check-generated: ## fails when what is generated is not what generate makes
	@rm -rf $(BIN)/generated
	@for folder in $(GENERATED); do mkdir -p $(BIN)/generated/$$folder && cp -R $$folder/. $(BIN)/generated/$$folder; done
	@$(MAKE) --no-print-directory generate
	@for folder in $(GENERATED); do \
		diff -r $(BIN)/generated/$$folder $$folder || { echo 'generated code was out of date: commit what `make generate` has now made' >&2; exit 1; }; \
	done

.PHONY: dashboard
# Made aside: a build that is stopped half-way leaves what was there.
dashboard: $(DASHBOARD)/node_modules/.package-lock.json ## web/dist from web/dashboard
	cd $(DASHBOARD) && npx --no-install vite build --logLevel error --outDir $(BIN)/dist --emptyOutDir
	@rm -rf web/dist && mv $(BIN)/dist web/dist

.PHONY: check-dashboard
# As check-generated: with what lies in the tree. What is compared is unpacked.
check-dashboard: $(DASHBOARD)/node_modules/.package-lock.json ## types and tests of web/dashboard; fails when web/dist is not what it makes
	cd $(DASHBOARD) && npx --no-install gql.tada generate-output --output $(BIN)/env.d.ts >/dev/null
	@cmp -s $(BIN)/env.d.ts $(DASHBOARD)/src/graph/env.d.ts || { echo '$(DASHBOARD)/src/graph/env.d.ts is out of date: run `npm run generate` there' >&2; exit 1; }
	cd $(DASHBOARD) && npx --no-install tsc --noEmit
	cd $(DASHBOARD) && NO_COLOR=1 npx --no-install vitest run --silent --reporter=dot
	cd $(DASHBOARD) && npx --no-install vite build --logLevel error --outDir $(BIN)/dist --emptyOutDir
	@node $(DASHBOARD)/compare.mjs web/dist $(BIN)/dist || { echo 'web/dist is out of date: run `make dashboard`, and commit it with its cause' >&2; exit 1; }

.PHONY: fuzz
fuzz: ## every fuzz target, FUZZTIME each: a count (20000x) or a time (5m)
	@grep -rHoE --include='*_test.go' '^func Fuzz[A-Za-z0-9_]+' . | while IFS=: read -r file func; do \
		echo "$${func#func } in $$(dirname $$file), $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$${func#func }\$$" -fuzztime $(FUZZTIME) $$(dirname $$file) </dev/null; \
	done

.PHONY: chaos
# Each run prints its seed; -kill.seed and -powerloss.seed repeat its choices.
chaos: need-postgres ## kill servers KILLS times on each database, and cut the power CUTS times
	go test -race -tags chaos -run TestChaos -timeout 3h -v . -kills $(KILLS)
	go test -race -run TestMatrix21 -timeout 3h ./db -powerloss.cuts $(CUTS)

.PHONY: bench
# Some eight minutes, and worth nothing beside other work.
bench: need-postgres need-node $(PEERS)/node_modules/.package-lock.json ## this server beside others, and which goals it meets: bench/results.json
	go run ./bench goals

.PHONY: bench-more
bench-more: ## the other figures of docs/benchmarks.md
	go run ./bench --runs 3 stream
	go run ./bench --runs 3 live
	go run ./bench --runs 3 live --subscribers 2000
	go run ./bench webhooks
	go test -run '^$$' -bench . ./graph

.PHONY: clean
clean: ## what was built; tools in .bin stay
	rm -rf greenroom $(BIN)/generated $(BIN)/dist

# Some 270 MB each: installed again only when the lock has changed. Errors are shown; packages that
# name a newer Node than they need are not.
$(CLIENTS)/node_modules/.package-lock.json: $(CLIENTS)/package-lock.json | need-node
	cd $(CLIENTS) && npm ci --loglevel=error --no-audit --no-fund </dev/null
	@touch $@

$(DASHBOARD)/node_modules/.package-lock.json: $(DASHBOARD)/package-lock.json | need-node
	cd $(DASHBOARD) && npm ci --loglevel=error --no-audit --no-fund </dev/null
	@touch $@

# Compiles better-sqlite3 where its download does not work: two minutes.
$(PEERS)/node_modules/.package-lock.json: $(PEERS)/package-lock.json | need-node
	cd $(PEERS) && npm ci --loglevel=error --no-audit --no-fund </dev/null
	@touch $@

# The version is part of the name: another one is another file, and is built.
$(LINT):
	@echo 'building golangci-lint $(LINT_VERSION), once: a few minutes'
	@mkdir -p $(BIN)
	GOBIN=$(BIN) GOFLAGS= go install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	@rm -f $(BIN)/golangci-lint-v* && mv $(BIN)/golangci-lint $@

.PHONY: need-postgres
# The tests start throw-away clusters of their own; only the server's programs are needed.
need-postgres:
	@if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 && ! command -v initdb >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo 'installing PostgreSQL'; \
			apt-get update -qq </dev/null; \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends postgresql </dev/null >/dev/null; \
		else \
			echo 'The tests need the programs of a PostgreSQL server (initdb, postgres): install the package postgresql, on Debian by `sudo apt-get install postgresql`, or put them on PATH.' >&2; \
			exit 1; \
		fi; \
	fi

.PHONY: need-chromium
need-chromium:
	@if [ -z "$${CHROMIUM:-}" ] && ! command -v chromium chromium-browser google-chrome >/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo 'installing Chromium'; \
			apt-get update -qq </dev/null; \
			DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium </dev/null >/dev/null; \
		else \
			echo 'The tests need a browser: install the package chromium, on Debian by `sudo apt-get install chromium`, or set CHROMIUM to the path of one.' >&2; \
			exit 1; \
		fi; \
	fi

.PHONY: need-node
need-node:
	@command -v node >/dev/null || { echo 'node is missing: install Node.js 20 or later, from nodejs.org or by `sudo apt-get install nodejs npm`' >&2; exit 1; }
