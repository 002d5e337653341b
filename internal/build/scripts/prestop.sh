#!/bin/bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# The preStop hook of compute hosts: keeps EGO up while the host has work. Whoever deletes the pod, the operator closes the host from the master's pod. Here, where users' code runs, is no logon that
# could; this only looks, which takes none. It never fails: the kubelet would report that as a fault of the pod.

root="${SYMPHONY_ROOT:-/symphony}"
egosh="$root/run/bin/egosh"
hosts="$root/run/prestop.hosts"
allocations="$root/run/prestop.allocations"
lost_seconds="${SYMPHONY_DRAIN_LOST_SECONDS:-30}"
# A list of all hosts takes seconds; one that hangs is cut off.
call_seconds=20
# When EGO last answered, on the clock of SECONDS, which starts with this script.
answered=0

# What this prints nobody sees; the start script logs what is in the file.
say() { printf '%s\n' "$*" >"$root/run/prestop"; }

# read_word VARIABLE FILE: "" without the file.
read_word() {
  printf -v "$1" '%s' ""
  { read -r "$1" <"$2"; } 2>/dev/null
}

# A pod whose annotation somebody took away has no limit here; the kubelet has one.
read_word budget "$root/pod/drain-seconds"
case "$budget" in "" | *[!0-9]*) budget=999999 ;; esac

# A pause without a process: reading a pipe that nobody writes to.
exec {idle_fd}<> <(:)
pause() {
  local length="$1"
  if [ "$length" -gt $((budget - SECONDS)) ]; then length=1; fi
  read -r -t "$length" -u "$idle_fd"
}

# bounded FILE ARGUMENT...: egosh, for as long as there is time. It is left behind when it cannot even be killed. Its
# outputs are never this script's: the kubelet waits until nobody has those open.
bounded() {
  local file="$1" deadline=$((SECONDS + call_seconds)) end job
  shift
  for end in "$budget" $((answered + lost_seconds)); do
    if [ "$end" -lt "$deadline" ]; then deadline="$end"; fi
  done
  "$egosh" "$@" >"$file" 2>/dev/null </dev/null &
  job="$!"
  while kill -0 "$job" 2>/dev/null; do
    if [ "$SECONDS" -gt "$deadline" ]; then
      kill -KILL "$job"
      return 1
    fi
    read -r -t 0.1 -u "$idle_fd"
  done
  wait "$job"
}

# judge: 0 the host holds nothing, 1 it has work, 2 the lists are not understood. The rules are those of the operator
# (internal/ego/parse.go): every field is quoted, every line has as many as the header, and the host of an allocation is
# named in one of the columns that are not known to have something else. If no allocation names any host, the hosts are
# not where they are looked for, and all would seem idle.
judge() {
  LC_ALL=C awk -v host="$HOSTNAME" '
    function short(name) { name = tolower(name); sub(/\..*/, "", name); return name }
    function column(title, i, at) {
      at = 0
      for (i = 1; i <= count; i++) if (tolower(field[i]) == title) at = at ? -1 : i
      if (at < 1) count = 0
      return at
    }
    {
      sub(/\r$/, "")
      second = FILENAME == ARGV[2]
      count = 0
      if ($0 ~ /^".*"$/) count = split(substr($0, 2, length($0) - 2), field, "\",\"")
      for (i = 1; i <= count; i++) if (index(field[i], "\"")) { count = 0; break }
    }
    FNR == 1 {
      headers++
      if (second) {
        slots = column("allocated")
        known[slots]; known[column("alloc")]; known[column("client")]; known[column("consumer")]; known[column("rgroup")]
      } else {
        name = column("name")
        column("status")
      }
      width = count
    }
    count == 0 || count != width { unknown = 1; exit }
    FNR == 1 { next }
    !second { listed[short(field[name])]; next }
    field[slots] !~ /^[0-9]+$/ { unknown = 1; exit }
    field[slots] > 0 {
      text = ""
      for (i = 1; i <= count; i++) if (!(i in known)) text = text " " field[i]
      gsub(/[^A-Za-z0-9._-]+/, " ", text)
      words = split(text, word, " ")
      found = 0
      for (i = 1; i <= words; i++) {
        if (short(word[i]) == short(host)) busy = 1
        if (short(word[i]) in listed) found = 1
      }
      if (found) placed = 1; else homeless = 1
    }
    END {
      if (headers == 2 && !(short(host) in listed)) exit 0
      if (unknown || headers != 2 || (homeless && !placed)) exit 2
      exit busy + 0
    }' "$hosts" "$allocations"
}

# look: 0 the host holds nothing, 1 it has work or that cannot be told, 2 EGO does not answer. That `ego info` fails when
# EGO is not there is a fact; the exit statuses of other commands are not.
look() {
  local result=2
  if bounded "$hosts" resource list -ll && bounded "$allocations" alloc list -ll; then
    judge
    result="$?"
  fi
  if [ "$result" -gt 1 ]; then
    bounded /dev/null ego info || return 2
    result=1
  fi
  answered="$SECONDS"
  return "$result"
}

# One look is not enough: between two lists, work can be on its way.
idle=0
drain=""
while [ "$SECONDS" -lt "$budget" ]; do
  read_word drain "$root/pod/drain"
  [ "$drain" != Released ] || exit 0
  look
  case "$?" in
  0)
    idle=$((idle + 1))
    if [ "$idle" -ge 2 ]; then
      say "the host has no work"
      exit 0
    fi
    pause 1
    ;;
  1)
    idle=0
    say "waiting for the host's work, up to $budget seconds"
    pause 5
    ;;
  *)
    idle=0
    if [ $((SECONDS - answered)) -ge "$lost_seconds" ]; then
      say "EGO has not answered for $lost_seconds seconds: not waiting for the host's work"
      exit 0
    fi
    pause 1
    ;;
  esac
done
[ "$budget" -eq 0 ] || say "not waiting any longer for the host's work"
exit 0
