#!/bin/bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# build.sh OUT.tar [RELEASE [TAG]]: the image of the Symphony simulator, without Docker. RELEASE is 7.1.2 (symsim:dev, the
# default) or 7.3.2 (symsim:7.3.2); TAG is another name for it, such as the sample's sym712:latest.
#
# bash and busybox are Debian's static builds, fetched by apt-get and kept in the state directory of the local cluster;
# SYMSIM_BASH and SYMSIM_BUSYBOX name other ones.
set -euo pipefail

out=$(realpath -m "${1:?build.sh OUT.tar [7.1.2|7.3.2] [TAG]}")
release=${2:-7.1.2}
tag=symsim:dev
[ "$release" = 7.1.2 ] || tag=symsim:$release
tag=${3:-$tag}

cd "$(dirname "$0")/../../.."
# shellcheck source=hack/images/debian.sh
. hack/images/debian.sh
cache=$PWD/.localcluster/cache/symsim
work=$cache/build-$release
mkdir -p "$work"
fetch() { unpack "$1" "$cache" || { echo "Or name static programs in SYMSIM_BASH and SYMSIM_BUSYBOX." >&2 && exit 1; }; }

bash=${SYMSIM_BASH:-$cache/bin/bash-static}
busybox=${SYMSIM_BUSYBOX:-$cache/bin/busybox}
[ -n "${SYMSIM_BASH:-}" ] || fetch bash-static
[ -n "${SYMSIM_BUSYBOX:-}" ] || fetch busybox-static

CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$work/symsim" ./test/symsim
go run ./test/symsim/image -release "$release" -symsim "$work/symsim" -bash "$bash" -busybox "$busybox" -out "$work/files.tar"
go -C hack/localcluster run ./ocitar -tag "$tag" -layer "$work/files.tar" -entrypoint /bin/bash -user 1000:0 \
  -env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$out"
