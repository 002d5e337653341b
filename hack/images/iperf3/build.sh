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
for package in iperf3 libiperf0 libsctp1 libc6; do unpack "$package" "$cache"; done
# Debian 13 has another name for it.
unpack libssl3 "$cache" 2>/dev/null || unpack libssl3t64 "$cache"
cd "$cache"
# Where the loader and the C library are differs between architectures and releases.
find usr/bin/iperf3 usr/share/doc -name iperf3 -type f -o -name copyright >files
find . \( -type f -o -type l \) \( -name 'libiperf.so.0*' -o -name 'libsctp.so.1*' -o -name 'libcrypto.so.3' -o -name 'libssl.so.3' \
  -o -name 'ld-linux*.so.*' -o -name libc.so.6 -o -name libm.so.6 \) >>files
tar --create --file files.tar --owner=0 --group=0 --files-from files
cd - >/dev/null
go -C hack/localcluster run ./ocitar -tag "$tag" -layer "$cache/files.tar" -entrypoint /usr/bin/iperf3 -user 65534:65534 "$out"
