# shellcheck shell=bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# What the operator runs in the master's container: `bash -c THIS symphony-operator SECONDS VERB ARGUMENT...`. The text is
# constant, and what comes from outside are positional arguments, so that no data is ever read as shell. Comment lines
# are taken out before it is sent: exec puts its command into a URL.
#
# Exit statuses, which exec.go knows: 71 EGO does not answer, 72 EGO takes no password of Admin, 73 EGO refuses.

limit="$1" verb="$2"
shift 2
run_dir="${SYMPHONY_ROOT:-/symphony}/run"

# A credential of its own for each run: neither people nor the start script nor another run lose theirs, and none stays.
umask 077
export EGOCC_FILE="$run_dir/egocc.exec.$$"
trap 'rm -f "$EGOCC_FILE"' EXIT

fail() {
  printf '%s\n' "$2" >&2
  exit "$1"
}

# A command goes on when its exec is cut off: without a limit of its own, one that hangs would hang with every poll.
bounded() {
  if type -P timeout >/dev/null; then timeout "$limit" "$@"; else "$@"; fi
}
egosh() { bounded "$run_dir/bin/egosh" "$@"; }

# That this fails when EGO is not there is a fact; the exit statuses and texts of other commands are not.
answers() { egosh ego info >/dev/null 2>&1 </dev/null; }
check_answers() { answers || fail 71 "EGO does not answer"; }

view() {
  egosh "$@" </dev/null && return 0
  check_answers
  fail 73 "egosh $* failed"
}

# The password is read here and nowhere else. egosh's prompt keeps it off the process list, but that it reads a pipe is
# not documented: where it does not, the documented form has to do, an argument inside this container for a moment. What
# egosh says to it is not passed on.
logon() {
  local password=Admin file="${SYMPHONY_ADMIN_PASSWORD_FILE:-}" answer
  if [ -n "$file" ]; then
    [ -r "$file" ] || fail 72 "there is no password file in the master's pod: the Secret of spec.adminPassword is missing"
    IFS= read -r -d '' password <"$file"
    password="${password%$'\n'}"
    case "$password" in
    "" | *[[:space:]\"\'\\\<\>\&]*) fail 72 "the password in the Secret of spec.adminPassword cannot be used" ;;
    esac
  fi
  answer=$(printf '%s\n' "ego info" "user logon -u Admin -x $password" quit | egosh 2>&1)
  case "$answer" in
  *"Logged on successfully"*) return 0 ;;
  *"Cluster name"*) ;;
  *)
    check_answers
    answer=$(egosh user logon -u Admin -x "$password" 2>&1 </dev/null)
    case "$answer" in *"Logged on successfully"*) return 0 ;; esac
    ;;
  esac
  check_answers
  fail 72 "EGO does not take the password of Admin"
}

# What EGO says goes to the standard output, its complaints too: they are read when the status is 0 as well.
administer() {
  local answer status
  answer=$(egosh resource "$@" 2>&1 </dev/null)
  status="$?"
  [ -z "$answer" ] || printf '%s\n' "$answer"
  [ "$status" -ne 0 ] || return 0
  check_answers
  fail 73 "egosh resource $1 failed"
}

# 85 and 214 say that the session director is not up, 81 that there is no such application. All others are unknown.
soam() {
  local dir
  for dir in ${SYMPHONY_INSTALL_DIR:-/opt/ibm/spectrumcomputing /opt/ibm/platform}; do
    [ -r "$dir/profile.platform" ] && break
  done
  # shellcheck disable=SC1091
  . "$dir/profile.platform" >/dev/null 2>&1
  bounded soamview "$@" </dev/null
  case "$?" in
  0) ;;
  81) fail 73 "there is no such application" ;;
  *) fail 71 "soamview failed: the session director is not up" ;;
  esac
}

[ -x "$run_dir/bin/egosh" ] || fail 71 "the master's start script has not come as far as EGO"
case "$verb" in
hosts)
  view resource list -ll
  printf 'symphony-operator: alloc list\n'
  view alloc list -ll
  ;;
applications) soam app ;;
workloads)
  applications=$(soam app) || exit "$?"
  printf '%s\n' "$applications"
  # Of one sentence that there are none, and of the header, nothing more is asked.
  case "$applications" in APPLICATION*) ;; *) exit 0 ;; esac
  while read -r name _; do
    case "$name" in APPLICATION | "") continue ;; esac
    printf 'symphony-operator: workload\n'
    case "$name" in -*) ;; *) soam app "$name" -l ;; esac
  done <<<"$applications"
  ;;
logon) logon ;;
close | open | remove)
  logon
  administer "$verb" "$@"
  ;;
*) fail 73 "$verb is no verb of this script" ;;
esac
