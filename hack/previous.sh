#!/usr/bin/env bash
# Makes an earlier version of the operator ready to be installed on the running local cluster, as symphony-operator:previous, and
# prints its manifests: previous.sh > manifests.yaml. Which one says UPGRADE_FROM, a commit; by default it is the one before
# the last that changed the operator or its manifests.
set -euo pipefail
# shellcheck source=hack/setup.sh
. "$(dirname "$0")/setup.sh"
cd "$root"

give_up() {
  echo "previous.sh: $*" >&2
  exit 1
}

git rev-parse --verify --quiet HEAD >/dev/null || give_up "this is no clone of the repository, whose history has the operator to upgrade from"
if [ -n "${UPGRADE_FROM:-}" ]; then
  commit=$(git rev-parse --verify --quiet "$UPGRADE_FROM^{commit}") || give_up "there is no commit $UPGRADE_FROM here: git fetch it, or git fetch --unshallow"
else
  # A commit that changed only tests, tools or documentation has the same operator as the one before it.
  changed=$(git log -1 --format=%H HEAD -- ':(glob)*.go' go.mod api controllers internal config \
    ':!*_test.go' ':!*/testdata/*' ':!internal/ego/egotest' ':!config/samples')
  commit=$(git rev-parse --verify --quiet "$changed^") ||
    give_up "the history here ends at $changed, the last commit that changed the operator, so that there is none to upgrade from: git fetch --unshallow, or set UPGRADE_FROM"
fi
echo "previous.sh: the operator of $(git log -1 --format='%h, %cs: %s' "$commit")" >&2

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
git archive "$commit" | tar -x -C "$tree"
# Its own Makefile builds it; -trimpath lets Go's cache serve what is the same in both.
make -s -C "$tree" bin/manager >&2
make -s bin/ocitar >&2
"$bin/ocitar" -tag symphony-operator:previous -entrypoint /manager -user 65532:65532 -file "$tree/bin/manager:/manager" "$bin/symphony-operator-previous.tar" >&2
"$bin/localcluster" load-image "$bin/symphony-operator-previous.tar" >&2
"${KUBECTL:-kubectl}" kustomize "$tree/config/default" | sed 's|image: symphony-operator:dev|image: symphony-operator:previous|'
