#!/usr/bin/env bash
# The article's cluster on this machine: demo.sh up, demo.sh down. It uses the Symphony simulator of test/symsim,
# because the product is proprietary.
set -euo pipefail
# shellcheck source=hack/setup.sh
. "$(dirname "$0")/setup.sh"

kubectl() { "$local/bin/kubectl" --kubeconfig "$local/kubeconfig" "$@"; }

hosts() { kubectl exec deploy/prod-master -- egosh resource list -l; }

# wait_for_hosts COUNT: until so many hosts are ok in EGO's own list, for two minutes.
wait_for_hosts() {
  local until=$((SECONDS + 120)) now=0
  while [ "$SECONDS" -lt "$until" ]; do
    # A failed exec is no host: EGO may not answer yet.
    now=$({ hosts || true; } 2>/dev/null | awk 'NR > 1 && $2 == "ok"' | wc -l)
    [ "$now" -eq "$1" ] && return 0
    sleep 0.5
  done
  echo "only $now of $1 hosts are ok:" >&2
  hosts >&2
  return 1
}

up() {
  local node port started="$SECONDS"
  package curl curl
  "$bin/localcluster" up --nodes 2
  install_operator
  say "kubectl apply -f config/samples/symphonycluster.yaml (the image sym712 is the simulator here)"
  kubectl apply -f "$root/config/samples/symphonycluster.yaml"
  kubectl wait --for=condition=Ready symphonycluster/prod --timeout=180s
  kubectl get symphonycluster
  say "egosh resource list -l, in the master pod"
  wait_for_hosts 3
  hosts
  say "the web console"
  kubectl wait --for=condition=GUIReady symphonycluster/prod --timeout=120s
  node=$(kubectl get nodes -o jsonpath='{.items[0].status.addresses[?(@.type=="InternalIP")].address}')
  port=$(kubectl get symphonycluster prod -o jsonpath='{.status.gui.nodePort}')
  curl --silent --show-error --fail --insecure --output /dev/null --write-out "https://$node:$port/platform/login/login.html: HTTP %{http_code}\n" \
    "https://$node:$port/platform/login/login.html"
  say "kubectl scale symphonycluster/prod --replicas=10"
  kubectl scale symphonycluster/prod --replicas=10
  kubectl wait --for=condition=Ready symphonycluster/prod --timeout=180s
  wait_for_hosts 11
  hosts
  cat <<EOF

It runs, after $((SECONDS - started)) s. Look around:
  export KUBECONFIG=$local/kubeconfig PATH=$local/bin:\$PATH
  kubectl get symphonycluster,pods -o wide
  kubectl exec deploy/prod-master -- egosh resource list -l
  kubectl delete pod -l symphony-operator.io/role=master     # and watch the hosts come back
Stop it all with:
  make demo-down
EOF
}

case "${1:-}" in
up) up ;;
down) "$bin/localcluster" down ;;
*) echo "usage: demo.sh up|down" >&2 && exit 2 ;;
esac
