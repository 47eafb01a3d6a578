# Every target works from a fresh checkout: what it needs is built or installed by test/setup, or named plainly.
GO ?= go
BIN := bin/chronik
DEV_DIR ?= certs-dev/dev
LINT := bin/golangci-lint
PACKAGES := ./...
TEST := test/report $(GO) test

export GOFLAGS += -trimpath

.PHONY: build build-fips run test test-fips test-unit test-crash test-whole test-interop soak lint bench fuzz docs docs-matrix acl-table tools clean

build: ## builds the static binary
	CGO_ENABLED=0 $(GO) build -o $(BIN) ./cmd/chronik

# The cryptographic module that has been certified (CMVP); its name, and a later one's, are in GOROOT/lib/fips140.
FIPS_MODULE ?= v1.0.0
FIPS_BIN := bin/chronik-fips

build-fips: ## builds the static binary with Go's FIPS 140-3 module, in whose mode it runs
	CGO_ENABLED=0 GOFIPS140=$(FIPS_MODULE) $(GO) build -o $(FIPS_BIN) ./cmd/chronik

run: build ## starts a secure single-node broker and prints client settings
	$(BIN) server --dev $(DEV_DIR)

test: test-unit test-crash test-whole test-interop ## all tests

test-unit:
	$(TEST) -race -timeout 12m $(PACKAGES)

# The seeds of a commit's own runs: a commit repeats them, and the next one looks elsewhere.
COMMIT_SEED := $(shell printf %d 0x$$(git rev-parse --short=12 HEAD 2>/dev/null || echo 0))
CRASH_SEEDS ?= 2500
COMMIT_SEEDS ?= 2500
CRASH_TEST := $(TEST) -count=1 -timeout 6h ./broker/storage ./test/simulation -run '^(TestCrashes|TestBank|TestBankOnStorage)$$'

test-crash: ## crashes on a disk in memory, and of simulated coordinators: seeds from 0 on, and the commit's own; CHRONIK_SEED=N repeats one
	CHRONIK_SEED=0 CHRONIK_SEEDS=$(CRASH_SEEDS) $(CRASH_TEST)
	CHRONIK_SEED=$(COMMIT_SEED) CHRONIK_SEEDS=$(COMMIT_SEEDS) $(CRASH_TEST)

# That mode refuses what these tests are about, or make: x25519, suites with CBC, and what SHA-1 protects or signs.
NOT_IN_FIPS := ^(TestProbe|TestWhatWasNegotiated|TestStores|TestTrustStores|TestBadListsLeaveTheLastGoodOnes|FuzzResponse)$$
FIPS_PACKAGES := ./auth ./auth/guard ./auth/mtls ./auth/oauth ./auth/plain ./auth/scram ./auth/token ./tls ./broker/doctor ./broker/server
test-fips: build build-fips tools ## what identifies clients, and a log-in by each mechanism, where anything that is not of FIPS 140-3 fails
	GOFIPS140=$(FIPS_MODULE) GODEBUG=fips140=only $(TEST) -timeout 10m -skip '$(NOT_IN_FIPS)' $(FIPS_PACKAGES)
	GOFIPS140=$(FIPS_MODULE) $(TEST) -timeout 10m ./auth/gssapi # its own clients use the old encryption types, too
	GOFIPS140=$(FIPS_MODULE) $(TEST) -timeout 10m -run TestFIPS ./broker
	$(TEST) -count=1 -tags 'interop fips' -timeout 10m ./test/interop -run '^TestFIPS'

test-whole: test-fips ## what test-unit samples: every byte of small data files flipped, every shorter file, every call failed, compaction, thousands of segments, a million aborted transactions, the power cut in each step of a transaction, its broker killed in each state
	$(TEST) -timeout 15m -run 'TestEvery|TestNothing|TestCompaction|TestThousands|TestMemory|TestPowerFails|TestABrokerIsKilled' ./broker/storage ./broker/journal ./broker

# The tests wait more than they work: more of them run at once than there are processors for, on two at least.
INTEROP_PARALLEL ?= 4
test-interop: build tools ## real clients and tools against the built binary
	$(TEST) -count=1 -tags interop -timeout 30m -parallel $(INTEROP_PARALLEL) ./test/interop/...

SOAK_CRASH_SEEDS ?= 50000
soak: build tools ## the long runs: crashes of a disk in memory, kills under load; INTEROP_SEED=... repeats a run's moments
	CHRONIK_SEED=$(COMMIT_SEED) CHRONIK_SEEDS=$(SOAK_CRASH_SEEDS) $(CRASH_TEST)
	$(TEST) -count=1 -tags 'interop soak' -timeout 6h ./test/interop/... -run Soak -v

lint: $(LINT) ## formatting, vet, linters
	$(LINT) run $(PACKAGES)
	$(LINT) fmt --diff
	cd test/interop/sarama && $(GO) vet ./...

$(LINT): .ci/tools/go.mod .ci/tools/go.sum
	cd .ci/tools && $(GO) build -o ../../$(LINT) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bench: build tools ## benchmarks beside Apache Kafka on this machine
	$(GO) test -run '^$$' -bench . -benchmem ./authz/acl ./broker/handler ./broker/storage ./broker/record
	$(GO) test -count=1 -tags 'interop bench' -timeout 60m ./test/interop/... -run Bench -v

FUZZ_TIME ?= 20s
fuzz: ## every fuzz target for FUZZ_TIME each
	@for target in $$($(GO) list ./...); do \
	  for name in $$($(GO) test -list '^Fuzz' $$target | grep '^Fuzz'); do \
	    echo "== $$target $$name"; $(GO) test $$target -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZ_TIME) || exit 1; \
	  done; \
	done

docs: ## writes the generated documents
	$(GO) generate ./broker/config ./broker/doctor

docs-matrix: build tools ## writes docs/clients.md: which real client logs in how
	INTEROP_WRITE_MATRIX=1 $(GO) test -count=1 -tags interop -timeout 10m ./test/interop -run '^TestLoginMatrix$$'

acl-table: build tools ## writes test/interop/testdata/acl-table.txt: what Apache Kafka answers to whom
	INTEROP_SUBJECT=kafka INTEROP_WRITE_ACL_TABLE=1 $(GO) test -count=1 -tags interop -timeout 10m ./test/interop -run '^TestACLTable$$'

tools: ## installs what the interoperability tests need
	test/setup

clean:
	rm -rf bin test/java/target test/.venv test/.tools
