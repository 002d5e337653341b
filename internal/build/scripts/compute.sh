# shellcheck shell=bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# A compute host: joins the master's cluster and follows the master's address. prestop_text, which prints prestop.sh,
# stands before this text.
# shellcheck disable=SC2154 # run_dir, pod_dir, lim_port: set in ego.sh, which stands before this text

hosts_now=""
prestop_now=""

# The file shows an annotation of this pod, which the operator changes when the master moves. An empty file says
# nothing new: the last known address stays.
follow_master() {
  local text
  read_file text "$pod_dir/master-hosts" || return 0
  if [ -z "$text" ] || [ "$text" = "$hosts_now" ]; then return 0; fi
  if put_hosts "$text"; then
    log "master: $text"
    hosts_now="$text"
  fi
}

# The hook's own output nobody sees.
follow_prestop() {
  local text
  if ! read_file text "$run_dir/prestop" || [ "$text" = "$prestop_now" ]; then return 0; fi
  [ -z "$text" ] || log "preStop: $text"
  prestop_now="$text"
}

follow_all() {
  follow_master
  follow_prestop
}

follow_master
[ -n "$hosts_now" ] || log "$pod_dir/master-hosts has no address of the master yet"
# Ready means that LIM listens; whether the host joined, the master knows. A released pod is not ready, so that the
# ReplicaSet deletes it before pods that are.
address="${SYMPHONY_LIM_ADDRESS:-127.0.0.1}"
write_commands "{
drain=
read -r drain <'$pod_dir/drain'
[ \"\$drain\" != Released ] && (: <'/dev/tcp/$address/$lim_port')
} 2>/dev/null"
# Before EGO runs here, nobody has to wait for work. The directory outlives the container: what an earlier one left goes.
printf '#!/bin/bash\n' | write_program "$run_dir/bin/prestop"
: >"$run_dir/prestop"
# The master may move while it is being looked for.
join "$SYMPHONY_MASTER_HOST" follow_master
prestop_text | write_program "$run_dir/bin/prestop"
start_ego
follow_logs
watch follow_all
