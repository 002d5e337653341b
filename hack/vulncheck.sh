#!/usr/bin/env bash
# Holds the operator against the Go vulnerability database, as it is in the module golang.org/x/vulndb of the version that
# hack/vulncheck/go.mod pins: it needs no server but the one that modules come from, and the same commit gives the same answer. A newer
# database: go -C hack/vulncheck get golang.org/x/vulndb@latest. VULNDB=https://vuln.go.dev asks the database of today.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root/hack/vulncheck"

database=${VULNDB:-}
if [ -z "$database" ]; then
  version=$(go list -m -f '{{.Version}}' golang.org/x/vulndb)
  index="$root/bin/vulndb-$version"
  if [ ! -d "$index" ]; then
    mkdir -p "$root/bin"
    rm -rf "$root"/bin/vulndb-*
    # What `go list` says of a module that is not downloaded yet is empty.
    go mod download golang.org/x/vulndb
    go tool indexdb -vulns "$(go list -m -f '{{.Dir}}' golang.org/x/vulndb)/data/osv" -out "$index.partial"
    mv "$index.partial" "$index"
  fi
  database="file://$index"
fi
echo "database: $database"
program=$(mktemp)
trap 'rm -f "$program"' EXIT
go build -C "$root" -trimpath -buildvcs=false -o "$program" .
go run . "$database" "$program"
