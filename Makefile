# Every target works in a new checkout: make installs the dependencies first.

BIN := node_modules/.bin
INSTALLED := node_modules/.package-lock.json
RUNTIMES := test/sdk/runtimes/node_modules/.package-lock.json
PLATFORMS := test/sdk/platforms/node_modules/.package-lock.json
ORACLES := test/oracles/node_modules/.package-lock.json
GENERATED := src/openapi/schema.ts sdk/src/schema.ts
COMPOSE := docker compose

.DEFAULT_GOAL := help
.PHONY: help setup run doctor test test-long test-sdk test-clients watch format test-browser contracts verify-providers check generate package migrate bench bench-retention soak chaos feed-run fuzz clean db-up db-down db-logs db-shell

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  \033[36m%-17s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

$(INSTALLED): package-lock.json package.json sdk/package.json
	@[ ! -t 2 ] || echo 'Installing dependencies, once ...' >&2
	npm ci --no-fund --no-audit --loglevel=error
	@touch $@

setup: $(INSTALLED) ## Install everything that the service needs

run: $(INSTALLED) ## Run the service on port 8080, by default with an embedded PostgreSQL and the simulator
	@exec bin/start.sh

# Without the old versions of Node.js, the tests that need them are skipped.
$(RUNTIMES): test/sdk/runtimes/package-lock.json
	@cd test/sdk/runtimes && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error && touch node_modules/.package-lock.json \
	  || echo 'The old versions of Node.js for the tests of the SDK could not be installed.'

test: $(INSTALLED) ## Run the tests
	@PATH="$(CURDIR)/$(BIN):$$PATH" NODE_COMPILE_CACHE="$(CURDIR)/node_modules/.cache/node" mocha 'test/**/*.test.ts'

# The tests that start, kill or fill many processes, databases and disks.
test-long: $(INSTALLED) ## Run the long tests
	@PATH="$(CURDIR)/$(BIN):$$PATH" mocha --no-config --extension ts --ignore '**/node_modules/**' --require test/support/database.ts --exit --timeout 120000 \
	  'test/**/*.long.ts'

coverage: $(INSTALLED) ## Run the tests and print a summary of the coverage of src/
	@PATH="$(CURDIR)/$(BIN):$$PATH" c8 mocha 'test/**/*.test.ts'

# Without the other runtimes, their tests are skipped.
$(PLATFORMS): test/sdk/platforms/package-lock.json
	@[ ! -t 2 ] || echo 'Installing the newest Node.js, Deno and Bun, once ...' >&2
	@cd test/sdk/platforms && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error && touch node_modules/.package-lock.json \
	  || echo 'The newest Node.js, Deno and Bun could not be installed.'

test-sdk: $(INSTALLED) $(RUNTIMES) $(PLATFORMS) ## Test the SDK on the lowest and the newest Node.js, Deno, Bun, and as a browser bundle
	@PATH="$(CURDIR)/$(BIN):$$PATH" mocha --no-config --extension ts --require test/support/database.ts --exit --timeout 60000 \
	  'test/sdk/*.test.ts' 'test/sdk/events/*.test.ts' 'test/sdk/reference/*.test.ts' 'test/sdk/platforms/*.platform.ts'

watch: $(INSTALLED) ## Run the tests in FILE again after each change
	@[ -n "$(FILE)" ] || { echo 'Name a test: make watch FILE=test/http/routes/send.test.ts'; exit 2; }
	@PATH="$(CURDIR)/$(BIN):$$PATH" node --watch --watch-preserve-output $(BIN)/mocha --no-parallel $(FILE)

format: $(INSTALLED) ## Format the sources
	@$(BIN)/biome check --write

test-browser: $(INSTALLED) ## Test the reference page in Chromium (Debian: apt-get install chromium)
	@PATH="$(CURDIR)/$(BIN):$$PATH" mocha --no-config --extension ts --require test/support/database.ts --exit --timeout 60000 'test/browser/*.browser.ts'

contracts: $(INSTALLED) ## Record the Pact contracts and verify the service and the simulator against them
	@PATH="$(CURDIR)/$(BIN):$$PATH" mocha --no-config --extension ts --require test/support/database.ts --exit --timeout 30000 'test/contract/*.test.ts' 'test/contract/*.long.ts'

$(ORACLES): test/oracles/package-lock.json
	@[ ! -t 2 ] || echo 'Installing the official libraries of the providers, once ...' >&2
	@cd test/oracles && npm ci --ignore-scripts --no-fund --no-audit --loglevel=error && touch node_modules/.package-lock.json

verify-providers: $(INSTALLED) $(ORACLES) ## Compare with the official libraries and, in PROVIDER_SPECS, the API descriptions of the providers; receive the corpus of emails
	@PATH="$(CURDIR)/$(BIN):$$PATH" mocha --no-config --extension ts --require test/support/database.ts --exit --timeout 60000 'test/*/*/oracle.test.ts' 'test/*/*/description.test.ts' 'test/*/*/*.verify.ts'

check: $(INSTALLED) ## Check types, format, lint, import rules, language, the contract, generated files, and the SDK's package
	$(BIN)/node $(BIN)/tsc
	$(BIN)/biome check --error-on-warnings
	$(BIN)/node $(BIN)/depcruise src sdk/src test migrations bin
	$(BIN)/node test/checks/language.ts
	$(BIN)/node $(BIN)/redocly lint openapi.yaml src/simulator/openapi.yaml --format=stylish
	@for file in $(GENERATED); do \
	  $(BIN)/node $(BIN)/openapi-typescript openapi.yaml --output $$file --check || { echo "$$file is not current: make generate"; exit 1; }; \
	done
	@$(MAKE) --no-print-directory package
	$(BIN)/node sdk/size.ts
	$(BIN)/node $(BIN)/publint run sdk/package/*.tgz --strict
	$(BIN)/node $(BIN)/attw sdk/package/*.tgz --profile esm-only --quiet

generate: $(INSTALLED) ## Generate the types of the server and the SDK from openapi.yaml
	@for file in $(GENERATED); do \
	  $(BIN)/node $(BIN)/openapi-typescript openapi.yaml --output $$file 2>.generate.log >&2 || \
	    { grep -m 3 -E '✘|Error' .generate.log; rm -f .generate.log; echo 'openapi.yaml is invalid: the types were not generated.'; exit 1; }; \
	done; rm -f .generate.log

package: $(INSTALLED) ## Build the package of the SDK into sdk/package
	@rm -rf sdk/dist sdk/package && mkdir sdk/package
	@$(BIN)/node $(BIN)/tsc --project sdk/tsconfig.json
	@npm pack --workspace sdk --ignore-scripts --silent --pack-destination sdk/package

doctor: $(INSTALLED) ## Check the configuration, the database and the accounts, and print the webhook URLs
	@exec bin/start.sh doctor

migrate: $(INSTALLED) ## Run the migrations only
	@exec bin/start.sh migrate

bench: $(INSTALLED) ## Compare the speed of the service with plain SQL and with Express without a database
	@$(BIN)/node test/bench/$(or $(ONLY),main).ts

bench-retention: $(INSTALLED) ## Compare the speed of the service with and without the retention, of 1,000,000 messages
	@$(BIN)/node test/bench/retention.ts

soak: $(INSTALLED) ## Run the tests with random sequences and requests many times (about half an hour)
	@PATH="$(CURDIR)/$(BIN):$$PATH" SOAK_RUNS=1000 MODEL_RUNS=200 CONFORMANCE_RUNS=50 mocha --no-config --extension ts --require test/support/database.ts --exit --timeout 3600000 \
	  test/messaging/people/grouping.test.ts test/delivery/breaker.test.ts test/delivery/routing.test.ts test/delivery/states/model.test.ts \
	  test/consent/sequences.test.ts test/conformance/generated.test.ts

chaos: $(INSTALLED) ## Send 7,500 messages by each of nine kinds of provider while processes, the database and providers fail, and check the delivery of each
	@$(BIN)/node test/chaos/main.ts

feed-run: $(INSTALLED) ## Send 10,000 messages while processes and the database fail, and check the events of each consumer
	@$(BIN)/node test/chaos/feed/main.ts

fuzz: $(INSTALLED) ## Send requests that schemathesis generates from openapi.yaml for 5 minutes; needs Python 3 with venv and pip
	@$(BIN)/node test/fuzz/main.ts

test-clients: $(INSTALLED) ## Generate clients with openapi-python-client and oapi-codegen and run a program with each; needs Python 3 and Go
	@$(BIN)/node test/clients/main.ts

clean: ## Remove installed packages, results of runs, and the data of the embedded PostgreSQL
	rm -rf node_modules sdk/node_modules test/sdk/runtimes/node_modules test/sdk/platforms/node_modules test/oracles/node_modules sdk/dist sdk/package .data .bench .coverage .fuzz .clients

db-up: ## Start the PostgreSQL of docker-compose.yml
	$(COMPOSE) up -d --wait postgres

db-down: ## Stop this PostgreSQL
	$(COMPOSE) down

db-logs: ## Follow the log of this PostgreSQL
	$(COMPOSE) logs -f postgres

db-shell: ## Open psql in this PostgreSQL
	$(COMPOSE) exec postgres psql -U messaging_user -d messaging_service
