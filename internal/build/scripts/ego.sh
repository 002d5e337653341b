# shellcheck shell=bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# What master.sh and compute.sh share. The text is the argument of `bash -c` in a Kubernetes container, so two things
# must not appear in it: a doubled dollar sign (Kubernetes makes one of it) and a command substitution of one bare
# word (Kubernetes would replace it if the container had a variable of that name).

run_dir="${SYMPHONY_ROOT:-/symphony}/run"
# shellcheck disable=SC2034 # compute.sh reads it
pod_dir="${SYMPHONY_ROOT:-/symphony}/pod"
termination_log="${SYMPHONY_TERMINATION_LOG:-/dev/termination-log}"
passwd_file="${SYMPHONY_PASSWD_FILE:-/etc/passwd}"
newline=$'\n'
lim_pid=""
ego_started=""
# What else is to be done when the container is told to stop, after EGO is down.
after_stop=:

log() { printf 'symphony-operator: %s\n' "$*"; }

# The kubelet shows the termination log in the pod's status; the operator puts it into the Ready condition, which wants
# one line.
last_words() {
  local message="${*//"$newline"/ | }"
  log "$message"
  printf '%s\n' "${message:0:2000}" >"$termination_log"
}

die() {
  last_words "$@"
  exit 1
}

# Signals are noted here and heeded between commands. Bash runs a trap also within a timed `read`, and when that time is over,
# whatever the trap has got to is abandoned, or the shell crashes. (Without a trap, process 1 ignores SIGTERM, and the pod would
# wait for the kill at the end of its grace period.)
heed=""
trap 'heed=stop' TERM INT
heed_signals() { [ -z "$heed" ] || "$heed"; }

stop() {
  stop_in_order
  exit 0
}

# USR2 comes from storage.sh alone, and asks for the same.
stop_in_order() {
  trap '' TERM INT USR2
  heed=""
  if [ -n "$ego_started" ]; then
    log "stopping EGO"
    egosh ego shutdown -f </dev/null
    local deadline=$((SECONDS + 20))
    while lim_runs && [ "$SECONDS" -lt "$deadline" ]; do pause; done
  fi
  "$after_stop"
}
# By what bash itself knows: a signal can come between the start of a job and a line that remembers its number.
# shellcheck disable=SC2046
trap 'kill $(jobs -p) 2>/dev/null' EXIT

# A pause without a process: reading a pipe that nobody writes to.
exec {idle_fd}<> <(:)
pause() {
  read -r -t 0.5 -u "$idle_fd"
  heed_signals
}

# Bash heeds a signal only after its foreground command; `wait` it leaves at once. egoconfig and egosh can take minutes.
attended() {
  local status
  "$@" &
  wait "$!"
  status="$?"
  heed_signals
  return "$status"
}

# read_file VARIABLE FILE: the file's text without its last line end; builtin, since it runs twice a second.
read_file() {
  [ -r "$2" ] || return 1
  IFS= read -r -d '' "$1" <"$2"
  printf -v "$1" '%s' "${!1%"$newline"}"
}

# write_file FILE <TEXT: readers see the old file or the new one, never half of one, and never an empty one.
write_file() { cat >"$1.symphony-operator" && [ -s "$1.symphony-operator" ] && mv -f "$1.symphony-operator" "$1"; }

find_installation() {
  local dir
  for dir in ${SYMPHONY_INSTALL_DIR:-/opt/ibm/spectrumcomputing /opt/ibm/platform}; do
    [ -r "$dir/profile.platform" ] && install_dir="$dir" && return 0
  done
  die "No Symphony in this image: no profile.platform in ${SYMPHONY_INSTALL_DIR:-/opt/ibm/spectrumcomputing or /opt/ibm/platform}. Set spec.image to an image with Symphony installed, or spec.installDir to where it is."
}

# Two profiles of Symphony know kernels up to 5 only and name the platform "fail" on newer ones: then all their paths
# are wrong, and what follows are errors that tell nobody why.
check_platform() {
  case "${BINARY_TYPE:-} ${SOAM_BINDIR:-}/" in
  fail\ * | */fail/*)
    die "The profiles of this Symphony image do not know the kernel of this node (BINARY_TYPE=fail): they accept kernels up to 5. Extend the version tests in soam/conf/profile.soam and perf/conf/profile.perf when building the image (hack/images/symphony/Dockerfile does)."
    ;;
  esac
}

# egoconfig refuses other users than the cluster administrator, and files that root wrote would lock him out.
check_user() {
  [ "$EUID" -ne 0 ] || die "This container runs as root; Symphony must run as its cluster administrator (egoadmin, uid 1000). Remove runAsUser 0 from the pod template."
  local admin name uid rest
  admin=$(awk '{ gsub(/=/, " ") } tolower($1) == "administrators" { print $2; exit }' "$EGO_CONFDIR"/ego.cluster.*)
  while IFS=: read -r name rest uid rest; do
    if [ "$name" = "$admin" ] && [ "$uid" != "$EUID" ]; then
      die "This container runs as uid $EUID, but the cluster administrator of this image is $admin, uid $uid. Set runAsUser to $uid in the pod template, or build the image with $admin as uid $EUID."
    fi
  done <"$passwd_file"
  [ -w "$EGO_CONFDIR/ego.conf" ] || die "uid $EUID cannot write $EGO_CONFDIR/ego.conf: build the image with the installation owned by the cluster administrator, uid 1000, group 0."
}

# The full workload manager (WEM) needs root to start EGO; only the simplified one runs in an unprivileged container.
# An image that says neither is let through: whether 7.1.2 notes the installer's choice in ego.conf is not known.
check_simplified_wem() {
  local value
  value="${SIMPLIFIEDWEM:-}"
  [ -n "$value" ] || value=$(ego_conf_value EGO_SIMPLIFIED_WEM)
  case "$value" in
  "") log "ego.conf does not say whether this image has the simplified workload manager (SIMPLIFIEDWEM=Y)" ;;
  [Yy]*) ;;
  *) die "This image was installed with the full workload manager (SIMPLIFIEDWEM=$value), which needs root. Install Symphony with SIMPLIFIEDWEM=Y." ;;
  esac
}

check_licence() {
  if ego_version_at_least 3 8 && [ "${LICENSE:-}" != accept ]; then
    die "Symphony 7.3 needs its licence accepted: read it, then set spec.license: accept."
  fi
}

# ego_conf_value KEY: its last setting in ego.conf, as EGO reads it.
ego_conf_value() {
  awk -v key="$1" '
    { line = $0; sub(/^[ \t]+/, "", line); at = index(line, "=") }
    at > 1 { name = substr(line, 1, at - 1); sub(/[ \t]+$/, "", name) }
    at > 1 && name == key { value = substr(line, at + 1); gsub(/^[ \t"]+|[ \t"\r]+$/, "", value) }
    END { print value }' "$EGO_CONFDIR/ego.conf"
}

# 3.8 is Symphony 7.3.0, 4.0 is 7.3.2.
ego_version_at_least() {
  local major minor rest
  IFS=. read -r major minor rest <<<"$ego_version"
  [ "${major:-0}" -gt "$1" ] || { [ "${major:-0}" -eq "$1" ] && [ "${minor:-0}" -ge "$2" ]; }
}

# The name of a cluster is in a file's name and in ego.shared, and can be changed only before the first join.
rename_cluster() {
  local new="${SYMPHONY_CLUSTER_NAME:-}" file old
  for file in "$EGO_CONFDIR"/ego.cluster.*; do [ -f "$file" ] && break; done
  [ -f "$file" ] || die "$EGO_CONFDIR has no ego.cluster.<name>: this Symphony is not installed completely."
  old="${file##*/ego.cluster.}"
  cluster_file="$EGO_CONFDIR/ego.cluster.${new:-$old}"
  if [ -z "$new" ] || [ "$new" = "$old" ]; then return 0; fi
  if ! awk -v old="$old" -v new="$new" '
    tolower($1) == "begin" { inside = tolower($2) == "cluster" }
    tolower($1) == "end" { inside = 0 }
    $1 == old && (inside || NF == 1) { $1 = new; found = 1 }
    { print }
    END { exit !found }' "$EGO_CONFDIR/ego.shared" | write_file "$EGO_CONFDIR/ego.shared" ||
    ! mv -f "$file" "$cluster_file"; then
    die "Cannot rename the cluster from $old to $new in $EGO_CONFDIR."
  fi
}

# Pods are not listed in ego.cluster: without this range EGO takes no host that is not.
open_host_range() {
  grep -q '^[[:space:]]*EGO_HOST_ADDR_RANGE' "$cluster_file" && return 0
  awk '
    { print }
    !done && tolower($1) == "begin" && tolower($2) == "parameters" { print "EGO_HOST_ADDR_RANGE=*.*.*.*"; done = 1 }
    END { if (!done) print "\nBegin Parameters\nEGO_HOST_ADDR_RANGE=*.*.*.*\nEnd Parameters" }' "$cluster_file" |
    write_file "$cluster_file" || die "Cannot write $cluster_file."
}

# Every setting replaces all earlier lines of its key: EGO reads the last, people read the first.
apply_ego_conf() {
  [ -n "${SYMPHONY_EGO_CONF:-}" ] || return 0
  awk '
    BEGIN {
      count = split(ENVIRON["SYMPHONY_EGO_CONF"], setting, "\n")
      for (i = 1; i <= count; i++) { at = index(setting[i], "="); if (at > 1) ours[substr(setting[i], 1, at - 1)] = 1 }
    }
    { key = $0; sub(/=.*/, "", key); gsub(/[ \t]/, "", key) }
    !(index($0, "=") && key in ours) { print }
    END { for (i = 1; i <= count; i++) if (index(setting[i], "=") > 1) print setting[i] }' "$EGO_CONFDIR/ego.conf" |
    write_file "$EGO_CONFDIR/ego.conf" || die "Cannot write $EGO_CONFDIR/ego.conf."
}

# put_hosts TEXT: the marked block of EGO's hosts file becomes TEXT; all other lines are users' and stay. EGO reads the
# file without a restart. The block comes first, so that an old line for the same name below it does no harm.
put_hosts() {
  local hosts="$EGO_CONFDIR/hosts"
  {
    printf '# BEGIN symphony-operator (kept up to date: do not edit)\n%s\n# END symphony-operator\n' "$1"
    [ ! -f "$hosts" ] || awk '
      /^# BEGIN symphony-operator/ { skip = 1 }
      !skip { print }
      /^# END symphony-operator/ { skip = 0 }' "$hosts"
  } | write_file "$hosts"
}

# join HOST TICK: joins the cluster whose master is HOST (or creates it, on HOST itself). Tried again for a while, because
# a master that has an address need not have a running EGO yet; TICK is called before each attempt.
join() {
  local deadline=$((SECONDS + ${SYMPHONY_JOIN_SECONDS:-300})) answer last=""
  # The check would ask the master's EGO, which takes minutes to come up.
  export EGOCONFIG_DISABLE_HOST_CHECK=Y
  while :; do
    "$2"
    attended egoconfig join "$1" -f >"$run_dir/join" 2>&1 </dev/null && return 0
    read_file answer "$run_dir/join"
    case "$answer" in *"belongs to the cluster"*) return 0 ;; esac
    [ "$answer" = "$last" ] || log "egoconfig join $1: $answer"
    last="$answer"
    [ "$SECONDS" -lt "$deadline" ] || die "egoconfig join $1 failed: $answer"
    pause
  done
}

# write_program FILE <TEXT: as write_file; there is no moment at which it cannot be run.
write_program() { write_file "$1.new" && chmod 0755 "$1.new" && mv -f "$1.new" "$1"; }

# write_commands READY: the egosh for kubectl exec, whose shells have no profile, and the readiness check.
write_commands() {
  mkdir -p "$run_dir/bin" || die "Cannot write to $run_dir."
  local real
  real="${EGO_BINDIR:-}/egosh"
  [ -x "$real" ] || real=$(type -aP egosh | grep -v "^$run_dir/" | head -n 1)
  [ -x "$real" ] || die "profile.platform of this image puts no egosh on the PATH."
  printf '#!/bin/bash\n. "%s/profile.platform" >/dev/null 2>&1\nexec "%s" "$@"\n' "$install_dir" "$real" | write_program "$run_dir/bin/egosh"
  printf '#!/bin/bash\n%s\n' "$1" | write_program "$run_dir/bin/ready"
}

# lim_runs: looks at processes, not at the port, which answers before LIM works and after it hangs. A restart of EGO
# changes the process, so the search starts again when the known one has gone.
lim_runs() {
  local dir
  if [ -n "$lim_pid" ] && is_lim "/proc/$lim_pid"; then return 0; fi
  for dir in /proc/[0-9]*; do
    if is_lim "$dir"; then lim_pid="${dir#/proc/}" && return 0; fi
  done
  lim_pid=""
  return 1
}

# A zombie keeps its name but has no command line. Another installation's LIM (shared process namespace) is not ours;
# of one whose program cannot be looked at, the name has to do.
is_lim() {
  local name="" arguments=""
  { read -r name <"$1/comm"; } 2>/dev/null
  [ "$name" = lim ] || return 1
  { IFS= read -r -d '' arguments <"$1/cmdline"; } 2>/dev/null
  [ -n "$arguments" ] || return 1
  if [ ! -e "$1/exe" ] || [ ! -e "${EGO_SERVERDIR:-}/lim" ]; then return 0; fi
  [ "$1/exe" -ef "$EGO_SERVERDIR/lim" ]
}

start_ego() {
  local answer
  ego_started=yes
  # A daemon keeps what it inherits: a pipe would never end, so the output goes to a file.
  attended egosh ego start >"$run_dir/start" 2>&1 </dev/null || {
    read_file answer "$run_dir/start"
    die "egosh ego start failed: $answer (an image with the full workload manager, SIMPLIFIEDWEM=N, cannot start without root)"
  }
  read_file answer "$run_dir/start" && log "$answer"
}

# EGO rotates its logs: -F follows the name, not the file.
follow_logs() {
  local dir daemon files=()
  dir=$(ego_conf_value EGO_LOGDIR)
  for daemon in lim vemkd pem esc; do files+=("${dir:-$EGO_TOP/kernel/log}/$daemon.log.$HOSTNAME"); done
  tail -n +1 -F "${files[@]}" 2>/dev/null &
}

# watch TICK: calls TICK twice a second. `egosh ego restart` takes LIM away for a while; when it stays away, the
# container ends and the kubelet starts it again.
watch() {
  local grace="${SYMPHONY_LIM_GRACE_SECONDS:-120}" seen="$SECONDS"
  while :; do
    pause
    "$1"
    if lim_runs; then
      seen="$SECONDS"
    elif [ $((SECONDS - seen)) -ge "$grace" ]; then
      # Not its last lines: they differ from host to host and from one restart to the next, and this text is a condition.
      die "EGO's LIM has not been running for $grace seconds; the container's log ends with its own."
    fi
  done
}

find_installation
# The profile reads variables that are not set and can return non-zero: only after it may `set -u` come.
# shellcheck disable=SC1091
. "$install_dir/profile.platform"
set -u -o pipefail
: "${EGO_TOP:=$install_dir}"
: "${EGO_CONFDIR:=$EGO_TOP/kernel/conf}"
check_user
check_platform
ego_version=$(ego_conf_value EGO_VERSION)
check_simplified_wem
check_licence
rename_cluster
open_host_range
apply_ego_conf
# shellcheck disable=SC2034 # compute.sh reads it
lim_port=$(ego_conf_value EGO_LIM_PORT)
