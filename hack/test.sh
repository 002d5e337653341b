#!/usr/bin/env bash
# Runs layers of tests and ends with a count: test.sh [unit] [integration] [fault] [e2e] [soak]; with e2e+integration+fault, the others run beside
# the first.
set -euo pipefail
# shellcheck source=hack/setup.sh
. "$(dirname "$0")/setup.sh"
cd "$root"

# A garbage collector that runs less often is a fifth of the work less, of API servers above all.
export GOGC=300

results=$(mktemp -d)
# brought_up is set while a cluster runs that this script has to end, beside to the process group of layers that run beside another, not_run to
# the layers that come after one that fails.
brought_up="" beside="" not_run=""
finish() {
  local status="$?"
  [ -z "$brought_up" ] || "$bin/localcluster" down || status=1
  waited || status=1
  tell_not_run
  count "$status" || status=1
  rm -rf "$results"
  exit "$status"
}
trap finish EXIT
trap 'interrupted 130' INT
trap 'interrupted 143' TERM
tell_not_run() { [ -z "$not_run" ] || printf '\nnot run: %s\n' "$not_run"; }
interrupted() {
  [ -z "$beside" ] || kill -- "-$beside" 2>/dev/null || true
  exit "$1"
}

# run NAME DIRECTORY ARGUMENTS…: go test with gotestsum, which prints progress and keeps the results. $format is
# gotestsum's: pkgname is a line a package, standard-verbose everything as it happens.
run() {
  local name="$1" dir="$2"
  shift 2
  say "$name: go test $*"
  (cd "$dir" && "$bin/gotestsum" --format "${format:-pkgname}" --jsonfile "$results/$name.json" -- "$@")
}

# count STATUS adds up the tests of all layers: Go's tests and sub-tests, and Ginkgo's specs instead of the test that
# runs them all. A suite's set-up and clean-up count when they fail; so does, as one, whatever else made STATUS non-zero
# (a package that does not compile, a cluster that does not come up).
count() {
  local passed failed skipped
  passed=$(($(tests pass) + $(specs '\[It\]' passed)))
  failed=$(($(tests fail) + $(specs '\[' '\(failed\|panicked\|timedout\|interrupted\|aborted\)')))
  skipped=$(tests skip)
  [ "$1" -eq 0 ] || [ "$failed" -gt 0 ] || failed=1
  [ "$skipped" -eq 0 ] || printf '\n%s skipped, which need root\n' "$skipped"
  printf '\n%s passed, %s failed\n' "$passed" "$failed"
  [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
tests() { cat "$results"/*.json 2>/dev/null | grep "\"Action\":\"$1\".*\"Test\":" | grep -vc '"Test":"TestIntegration"' || true; }
specs() { cat "$results"/*.xml 2>/dev/null | grep -c "<testcase name=\"$1.* status=\"$2\"" || true; }

unit() {
  local packages
  mapfile -t packages < <(go list ./... | grep -v -e /test/integration -e /test/e2e -e /test/fault)
  run unit . "${packages[@]}"
  run localcluster-unit hack/localcluster ./...
  run tools-unit hack/tools ./licenses
  run vulncheck-unit hack/vulncheck ./...
  run alerts-unit test/alerts ./...
}

integration() {
  "$bin/localcluster" build etcd kube-apiserver kube-controller-manager kubectl
  KUBEBUILDER_ASSETS="$local/bin" run integration . -timeout 60m ./test/integration "-ginkgo.junit-report=$results/integration.xml"
}

# fault runs many worlds at once, fewer beside another layer: half of a world's time is waiting. SEED says which faults are tried in one run, and what
# happens in the few rounds of TestSoak.
worlds=8
fault() {
  "$bin/localcluster" build etcd kube-apiserver kube-controller-manager kubectl
  KUBEBUILDER_ASSETS="$local/bin" run fault . -timeout 60m -parallel "$worlds" ./test/fault -seed "${SEED:-1}"
  KUBEBUILDER_ASSETS="$local/bin" run fault-seeded . -timeout 20m -tags seeded -run TestSeededBugs ./test/fault
}

# soak prints the seed of each round; with it, TestSoak plays the round again.
soak() {
  "$bin/localcluster" build etcd kube-apiserver kube-controller-manager kubectl
  KUBEBUILDER_ASSETS="$local/bin" format=standard-verbose run soak . -timeout 0 -run TestSoak ./test/fault -soak "$DURATION" -seed "$SEED"
}

e2e() {
  local why labels=""
  if why=$("$bin/localcluster" check 2>&1); then
    say "e2e: make demo, make demo-down"
    brought_up=yes
    "$root/hack/demo.sh" up
    "$root/hack/demo.sh" down
    say "e2e: on a local cluster of three nodes"
    "$bin/localcluster" up --nodes 3
    install_operator
    weave_stand_ins
    export KUBECONFIG="$local/kubeconfig" KUBECTL="$local/bin/kubectl"
  elif [ -n "${KUBECONFIG:-}" ]; then
    say "e2e: on the cluster of KUBECONFIG, with the operator and the images that are there; make demo, the local cluster's own tests and what cuts nodes off from each other are left out ($why)"
    labels='!local'
  else
    echo "e2e needs real nodes: $why, and KUBECONFIG names no other cluster" >&2
    return 1
  fi
  in_two_processes "$labels"
  if [ -n "$brought_up" ]; then
    brought_up=""
    "$bin/localcluster" down
    run localcluster-e2e hack/localcluster -tags e2e -timeout 15m ./internal/cluster/...
  fi
}

# in_two_processes LABELS: a spec waits most of its time. What takes away nodes, or what all clusters share, is marked Serial and comes after the
# others. More processes are no faster on two cores: starting containers is what takes them.
in_two_processes() {
  local arguments=(--tags e2e --procs=2 --timeout=70m -v --no-color "--label-filter=$1")
  say "e2e: ginkgo ${arguments[*]} ./test/e2e"
  go run github.com/onsi/ginkgo/v2/ginkgo "${arguments[@]}" --output-dir="$results" --junit-report=e2e.xml ./test/e2e
}

# weave_stand_ins loads the stand-in for Weave, and another one to upgrade to.
weave_stand_ins() {
  say "loading the stand-in for Weave"
  "$root/test/weavesim/image/build.sh" "$bin/weavesim.tar"
  "$root/test/weavesim/image/build.sh" "$bin/weavesim-2.tar" weavesim:2
  "$bin/localcluster" load-image "$bin/weavesim.tar" "$bin/weavesim-2.tar"
}

# start_beside LAYER…: starts what needs no nodes, one after the other, while another layer waits for its nodes, which it does most of the time. Each of
# their programs takes one core at most. A lower priority is no way to leave more to the others: what has one holds the kernel's locks for as long as it
# waits for a core, and containers took half a minute to start.
start_beside() {
  say "beside it: $*"
  # What all need is built once.
  "$bin/localcluster" build etcd kube-apiserver kube-controller-manager kubectl
  set -m
  (
    trap tell_not_run EXIT
    trap - INT TERM
    export GOMAXPROCS=1
    worlds=4
    in_order "$@"
  ) >"$results/beside.log" 2>&1 &
  set +m
  beside="$!"
}
waited() {
  [ -n "$beside" ] || return 0
  local status=0
  wait "$beside" || status=1
  beside=""
  cat "$results/beside.log"
  return "$status"
}

# in_order LAYER…: each when the one before has passed.
in_order() {
  local layer
  while [ "$#" -gt 0 ]; do
    layer="$1"
    shift
    not_run="$*"
    case "$layer" in
    unit | integration | fault | e2e | soak) "$layer" ;;
    e2e+integration+fault)
      start_beside integration fault
      e2e
      waited
      ;;
    *) echo "no layer of tests is called $layer" >&2 && exit 2 ;;
    esac
  done
}

make -s "$bin/gotestsum" "$bin/localcluster"
in_order "$@"
