# Everything a developer does. `make` alone lists it.

SHELL := /bin/bash
.SHELLFLAGS := -o errexit -o nounset -o pipefail -c
.DELETE_ON_ERROR:

# The image that `make deploy` installs; on a cluster of your own, one that its nodes can pull.
IMG ?= symphony-operator:dev
# The image with iperf3 that it gives NetworkChecks.
IPERF3_IMG ?= symphony-operator-iperf3:dev
BIN := $(CURDIR)/bin
LOCAL := $(CURDIR)/.localcluster
KUBECTL := $(or $(wildcard $(LOCAL)/bin/kubectl),kubectl)
TOOLS := controller-gen golangci-lint gotestsum crd-ref-docs

.PHONY: help
help: ## List the targets.
	@awk 'BEGIN {FS = ":.*## "} /^[a-z0-9-]+:.*## / {printf "  %-18s %s\n", $$1, $$2}' Makefile

##@ Try it

.PHONY: demo
demo: $(BIN)/localcluster ## Run a local Kubernetes with the operator and a Symphony cluster on it (needs root).
	hack/demo.sh up

.PHONY: demo-down
demo-down: $(BIN)/localcluster ## End what `make demo` started.
	hack/demo.sh down

.PHONY: kubeconfig
kubeconfig: ## Print the path of the local cluster's kubeconfig (with make -s).
	@echo $(LOCAL)/kubeconfig

##@ Test

.PHONY: test
test: ## Run every test: unit, integration, end to end, faults. Ends with a count.
	hack/test.sh unit e2e+integration+fault

.PHONY: test-unit
test-unit: ## Test without a cluster.
	hack/test.sh unit

.PHONY: test-integration
test-integration: ## Test against a real API server, etcd and controller manager.
	hack/test.sh integration

.PHONY: test-fault
test-fault: ## Fail every write of the operator in every way, and hold what comes of it against runs in which nothing fails; SEED is where chances begin.
	hack/test.sh fault

.PHONY: soak
soak: ## Let users, faults and crashes come as chance has it, for DURATION (2h); SEED plays one round again.
	DURATION=$(or $(DURATION),2h) SEED=$(or $(SEED),$$RANDOM) hack/test.sh soak

.PHONY: test-e2e
test-e2e: ## Test on the local cluster (root), or on the cluster of KUBECONFIG.
	hack/test.sh e2e

.PHONY: fuzz
fuzz: ## Fuzz every target in turn for FUZZTIME (10s) each.
	FUZZTIME=$(or $(FUZZTIME),10s) hack/fuzz.sh

.PHONY: bench
bench: $(BIN)/localcluster $(BIN)/manager ## Measure what the operator costs, beside what Kubernetes costs: PROFILE=small takes minutes, full hours; CHECK=1 has limits (root).
	go build -o $(BIN)/scale ./test/scale
	$(BIN)/scale -profile $(or $(PROFILE),small) $(if $(ONLY),-only $(ONLY))

.PHONY: lint
lint: $(BIN)/golangci-lint ## Lint Go and shell.
	$(BIN)/golangci-lint run --allow-parallel-runners
	cd hack/localcluster && $(BIN)/golangci-lint run --allow-parallel-runners -c ../../.golangci.yml
	cd hack/tools && $(BIN)/golangci-lint run --allow-parallel-runners -c ../../.golangci.yml ./licenses
	cd hack/vulncheck && $(BIN)/golangci-lint run --allow-parallel-runners -c ../../.golangci.yml
	cd test/alerts && $(BIN)/golangci-lint run --allow-parallel-runners -c ../../.golangci.yml
	shellcheck -x $$(git ls-files '*.sh') .ci/run
	hack/images/symphony/check.sh

##@ Generate

.PHONY: generate
generate: $(BIN)/controller-gen ## Generate deep copies and apply configurations.
	$(BIN)/controller-gen object:headerFile=hack/tools/boilerplate.go.txt paths=./api/...
	$(BIN)/controller-gen applyconfiguration:headerFile=hack/tools/boilerplate.go.txt paths=./api/...

# What quantities look like in the CRDs. controller-gen's own pattern admits `1e1.5`, which no client can decode: one such
# object, of whoever may create one, would keep the operator from listing all others. And it admits 1e999999999, over which
# whoever compares it computes for ever.
QUANTITY := ^[+-]?([0-9]{1,20}(\\.[0-9]{0,20})?|\\.[0-9]{1,20})([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$$

.PHONY: manifests
manifests: $(BIN)/controller-gen ## Generate the CRD and the operator's role.
	$(BIN)/controller-gen crd paths=./api/... output:crd:artifacts:config=config/crd/bases
	sed -i 's/^\( *pattern: \).*\[KMGTPE\]i.*/\1$(QUANTITY)/' config/crd/bases/*.yaml
	mv config/crd/bases/symphony-operator.io_weave*.yaml config/weave/crd/bases/
	$(BIN)/controller-gen rbac:roleName=manager-role paths=./controllers/... paths=./internal/... output:rbac:dir=config/rbac

.PHONY: docs
docs: $(BIN)/crd-ref-docs ## Generate the API reference.
	$(BIN)/crd-ref-docs --log-level=ERROR --source-path=api/v1alpha1 --config=hack/tools/crd-ref-docs.yaml --renderer=markdown --output-path=docs/api.md

.PHONY: licenses
licenses: ## List the licences of what is linked into the operator; one that is not taken is an error.
	cd hack/tools && go run -buildvcs=false ./licenses ../.. ../licenses.csv

.PHONY: vulncheck
vulncheck: ## Hold the operator against the Go vulnerability database, by the version that is pinned.
	hack/vulncheck.sh

GENERATED := api config docs/api.md hack/licenses.csv

.PHONY: verify
verify: generate manifests docs licenses ## Check that generated files are up to date.
	@test -z "$$(git status --porcelain -- $(GENERATED))" || { git --no-pager diff -- $(GENERATED); git status --short -- $(GENERATED); echo "Generated files are out of date: run make generate manifests docs licenses and commit."; exit 1; }
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "Run gofmt."; exit 1; }

##@ Build and install

.PHONY: build
build: $(BIN)/manager ## Build the operator.

.PHONY: image
image: $(BIN)/symphony-operator.tar ## Build the operator's image as a tar, without Docker.

.PHONY: install
install: ## Install the CRD into the cluster of KUBECONFIG.
	$(KUBECTL) apply -k config/crd

.PHONY: deploy
deploy: ## Install the operator into the cluster of KUBECONFIG.
	$(KUBECTL) kustomize config/default | sed -e 's|image: symphony-operator:dev|image: $(IMG)|' -e 's|symphony-operator-iperf3:dev|$(IPERF3_IMG)|' | $(KUBECTL) apply -f -

.PHONY: deploy-weave
deploy-weave: ## Install what keeps Weave, or reports on it, into the cluster of KUBECONFIG (docs/weave.md).
	$(KUBECTL) kustomize config/weave | sed 's|symphony-operator:dev|$(IMG)|' | $(KUBECTL) apply -f -

.PHONY: undeploy
undeploy: ## Remove the operator and the CRD; delete the SymphonyClusters first.
	$(KUBECTL) delete --ignore-not-found -k config/default

# By the relative path, as people type it.
bin/%: $(BIN)/% ;

# Files that several programs are built from; go itself knows what is out of date.
.PHONY: $(BIN)/manager $(BIN)/localcluster $(BIN)/ocitar
$(BIN)/manager:
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o $@ .

$(BIN)/localcluster:
	go -C hack/localcluster build -buildvcs=false -o $@ .

$(BIN)/ocitar:
	go -C hack/localcluster build -buildvcs=false -o $@ ./ocitar

$(BIN)/symphony-operator.tar: $(BIN)/manager $(BIN)/ocitar
	$(BIN)/ocitar -tag symphony-operator:dev -entrypoint /manager -user 65532:65532 -file $(BIN)/manager:/manager $@

# `go run -exec cp` takes the linked program from the build cache, so a fresh clone does not link it again.
tool-controller-gen := sigs.k8s.io/controller-tools/cmd/controller-gen
tool-golangci-lint := ./golangci-lint
tool-gotestsum := gotest.tools/gotestsum
tool-crd-ref-docs := github.com/elastic/crd-ref-docs
$(addprefix $(BIN)/,$(TOOLS)): hack/tools/go.mod
	@mkdir -p $(BIN)
	go -C hack/tools run -buildvcs=false -exec cp $(tool-$(notdir $@)) $@
