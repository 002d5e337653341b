# shellcheck shell=bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# A compute host: joins the master's cluster and follows the master's address.
# shellcheck disable=SC2154 # run_dir, pod_dir, lim_port: set in ego.sh, which stands before this text

hosts_now=""

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

follow_master
[ -n "$hosts_now" ] || log "$pod_dir/master-hosts has no address of the master yet"
# Ready means that LIM listens. Whether the host joined, the master knows.
address="${SYMPHONY_LIM_ADDRESS:-127.0.0.1}"
write_commands "(: <'/dev/tcp/$address/$lim_port') 2>/dev/null"
# The master may move while it is being looked for.
join "$SYMPHONY_MASTER_HOST" follow_master
start_ego
follow_logs
watch follow_master
