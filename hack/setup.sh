# shellcheck shell=bash
# What demo.sh and test.sh share: the local cluster with the operator on it.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
bin="$root/bin"
local="$root/.localcluster"

say() { printf '\n== %s\n' "$*"; }

# package FILE NAME: installs a Debian package unless one of its files is there.
package() {
  command -v "$1" >/dev/null && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing $2"
    { apt-get install -yq --no-install-recommends "$2" || { apt-get update -q && apt-get install -yq --no-install-recommends "$2"; }; } >/dev/null
  else
    echo "$1 is missing: install the package $2" >&2
    return 1
  fi
}

# install_operator builds the images, loads them and installs the operator into the running local cluster.
install_operator() {
  say "building the images"
  make -s -C "$root" image
  "$root/test/symsim/image/build.sh" "$bin/symsim.tar"
  "$root/test/symsim/image/build.sh" "$bin/symsim-7.3.2.tar" 7.3.2
  # The article's and the sample's image name: here it is the simulator too.
  "$root/test/symsim/image/build.sh" "$bin/sym712.tar" 7.1.2 sym712:latest
  "$root/hack/images/iperf3/build.sh" "$bin/iperf3.tar"
  say "loading the images"
  "$bin/localcluster" load-image "$bin/symphony-operator.tar" "$bin/iperf3.tar" "$bin/symsim.tar" "$bin/symsim-7.3.2.tar" "$bin/sym712.tar"
  say "installing the operator"
  export KUBECONFIG="$local/kubeconfig"
  make -s -C "$root" deploy
  "$local/bin/kubectl" -n symphony-operator-system rollout status deployment --timeout=120s
}
