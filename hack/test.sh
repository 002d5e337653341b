#!/usr/bin/env bash
# Runs layers of tests and ends with a count: test.sh [unit] [integration] [e2e]
set -euo pipefail
# shellcheck source=hack/setup.sh
. "$(dirname "$0")/setup.sh"
cd "$root"

results=$(mktemp -d)
# brought_up is set while a cluster runs that this script has to end.
brought_up=""
finish() {
  local status="$?"
  [ -z "$brought_up" ] || "$bin/localcluster" down || status=1
  count || status=1
  rm -rf "$results"
  exit "$status"
}
trap finish EXIT

# run NAME ARGUMENTS…: go test with gotestsum, which prints progress and keeps the results.
run() {
  local name="$1" dir="$2"
  shift 2
  say "$name: go test $*"
  (cd "$dir" && "$bin/gotestsum" --format pkgname --jsonfile "$results/$name.json" -- "$@")
}

# count adds up the tests of all layers; sub-tests and Ginkgo's specs count as their own.
count() {
  local passed failed
  passed=$(cat "$results"/*.json "$results"/*.specs 2>/dev/null | grep -c '"Action":"pass".*"Test":' || true)
  failed=$(cat "$results"/*.json "$results"/*.specs 2>/dev/null | grep -c '"Action":"fail".*"Test":' || true)
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}

unit() {
  local packages
  mapfile -t packages < <(go list ./... | grep -v -e /test/integration -e /test/e2e)
  run unit . "${packages[@]}"
  run localcluster-unit hack/localcluster ./...
}

integration() {
  [ -d test/integration ] || return 0
  "$bin/localcluster" build etcd kube-apiserver kube-controller-manager kubectl
  KUBEBUILDER_ASSETS="$local/bin" run integration . -timeout 20m ./test/integration/...
}

e2e() {
  if [ "$(id -u)" -ne 0 ] && [ -n "${KUBECONFIG:-}" ]; then
    say "e2e: on the cluster of KUBECONFIG, with the operator and the images that are there"
  else
    say "e2e: local cluster"
    "$bin/localcluster" up --nodes 2
    brought_up=yes
    install_operator
    export KUBECONFIG="$local/kubeconfig"
  fi
  KUBECTL="$local/bin/kubectl" AUDIT_LOG="$local/audit.log" run e2e . -tags e2e -timeout 30m ./test/e2e/...
  if [ -n "$brought_up" ]; then
    brought_up=""
    "$bin/localcluster" down
    run localcluster hack/localcluster -tags e2e -timeout 10m ./internal/cluster/...
  fi
}

make -s "$bin/gotestsum" "$bin/localcluster"
for layer in "$@"; do
  case "$layer" in
  unit | integration | e2e) "$layer" ;;
  *) echo "no layer of tests is called $layer" >&2 && exit 2 ;;
  esac
done
