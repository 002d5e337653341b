#!/usr/bin/env bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# build.sh OUT.tar [TAG]: the image of weavesim, the stand-in for weave-net, without Docker. One image is weave-kube and
# weave-npc. TAG is weavesim:dev; with another one, such as weavesim:2, it is another image that does the same, to upgrade to.
#
# busybox is Debian's static build, fetched by apt-get and kept in the state directory of the local cluster;
# WEAVESIM_BUSYBOX names another one.
set -euo pipefail

out=$(realpath -m "${1:?build.sh OUT.tar [TAG]}")
tag=${2:-weavesim:dev}

cd "$(dirname "$0")/../../.."
# shellcheck source=hack/images/debian.sh
. hack/images/debian.sh
cache=$PWD/.localcluster/cache/weavesim
mkdir -p "$cache"
work=$(mktemp -d "$cache/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
busybox=${WEAVESIM_BUSYBOX:-$cache/bin/busybox}
if [ -z "${WEAVESIM_BUSYBOX:-}" ]; then
  unpack busybox-static "$cache" || { echo "Or name a static busybox in WEAVESIM_BUSYBOX." >&2 && exit 1; }
  # Debian 13 has it in another directory.
  [ -e "$busybox" ] || busybox=$cache/usr/bin/busybox
fi

root=$work/root
mkdir -p "$root"/{bin,sbin,home/weave,usr/bin,usr/sbin,tmp}
CGO_ENABLED=0 go build -trimpath -ldflags '-s -w' -o "$root/usr/bin/weavesim" ./test/weavesim
install -m 0755 "$busybox" "$root/bin/busybox"
"$busybox" --list-full | while read -r name; do
  # Some builds list themselves.
  [ -e "$root/$name" ] || { mkdir -p "$root/$(dirname "$name")" && ln -s /bin/busybox "$root/$name"; }
done
# The paths of weave-kube's image, that of weave-npc's, and curl, which weave-kube's image has.
for name in home/weave/init.sh home/weave/launch.sh usr/bin/launch.sh usr/bin/curl; do
  ln -sfn /usr/bin/weavesim "$root/$name"
done
# The same files make the same image.
tar --create --file "$work/files.tar" --directory "$root" --owner=0 --group=0 --mtime=@0 --sort=name .
go -C hack/localcluster run ./ocitar -tag "$tag" -layer "$work/files.tar" -entrypoint /usr/bin/launch.sh \
  -env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin -env "WEAVESIM_IMAGE=$tag" "$out"
