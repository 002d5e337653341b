#!/usr/bin/env bash
# build.sh OUT.tar [TAG]: the image for NetworkChecks without Docker, for the local cluster: Debian's iperf3 with the
# libraries that it needs, and nothing else.
set -euo pipefail
out=$(realpath -m "${1:?build.sh OUT.tar [TAG]}")
tag=${2:-symphony-operator-iperf3:dev}
cd "$(dirname "$0")/../../.."
# shellcheck source=hack/images/debian.sh
. hack/images/debian.sh
cache=$PWD/.localcluster/cache/iperf3
mkdir -p "$cache"
for package in iperf3 libiperf0 libsctp1 libssl3 libc6; do unpack "$package" "$cache"; done
(cd "$cache" && tar --create --file files.tar --owner=0 --group=0 \
  usr/bin/iperf3 usr/share/doc/*/copyright lib64 \
  usr/lib/*/libiperf.so.0* usr/lib/*/libsctp.so.1* usr/lib/*/libcrypto.so.3 usr/lib/*/libssl.so.3 \
  lib/*/ld-linux-*.so.* lib/*/libc.so.6 lib/*/libm.so.6)
go -C hack/localcluster run ./ocitar -tag "$tag" -layer "$cache/files.tar" -entrypoint /usr/bin/iperf3 -user 65534:65534 "$out"
