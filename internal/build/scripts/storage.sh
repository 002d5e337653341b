# shellcheck shell=bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# The master's shared directory (spec.master.storage): whose it is, who may use it now, and EGO's configuration in it.
# Without SYMPHONY_SHARED_DIR nothing of this happens.
# shellcheck disable=SC2154 # run_dir, newline, idle_fd, lim_pid, install_dir, cluster_file: set in ego.sh, which stands before this text

shared_dir="${SYMPHONY_SHARED_DIR:-}"
own_dir="$shared_dir/.symphony-operator"
cluster_id="${SYMPHONY_CLUSTER_ID:-}"
pod_uid="${SYMPHONY_POD_UID:-}"
# Not empty once the directory holds a whole configuration, which this start then takes up.
complete=""
main_pid="$BASHPID"

# The operator knows these words, and tells people to act: no later start will go better.
foreign() { die "The shared directory is not this cluster's: $1"; }

# Another cluster's users and work must neither be used nor overwritten. Nothing is written before this was asked.
check_identity() {
  local text owner ego mine="${cluster_file##*/ego.cluster.}"
  if [ ! -e "$own_dir/identity" ]; then
    [ ! -e "$shared_dir/kernel/conf/ego.conf" ] ||
      foreign "it has EGO's configuration and no .symphony-operator/identity. Use another claim; or, if this cluster is to take it, write two lines into that file: cluster=$cluster_id and ego=$mine"
    return 0
  fi
  read_file text "$own_dir/identity" || die "Cannot read $own_dir/identity."
  owner="${text#*cluster=}" ego="${text#*ego=}"
  owner="${owner%%"$newline"*}" ego="${ego%%"$newline"*}"
  [ "$owner" = "$cluster_id" ] ||
    foreign "it holds the EGO cluster $ego of the SymphonyCluster $owner, and this is $cluster_id. Use another claim."
  if [ "$ego" = "$mine" ]; then return 0; fi
  [ -z "${SYMPHONY_CLUSTER_NAME:-}" ] ||
    foreign "it holds the EGO cluster $ego of the SymphonyCluster $owner, and spec.clusterName says $mine. EGO cannot rename a cluster: create this one with clusterName $ego, or use another claim."
  # An image that was installed with another name: the cluster that is there counts.
  SYMPHONY_CLUSTER_NAME="$ego"
  rename_cluster
  open_host_range
}

# Two masters on one directory destroy it. Who has the lease renews it; another master takes it over when it was not renewed for
# its whole duration, by its own clock: those of two nodes may differ. Who cannot renew it kills EGO well before that.
lease_seconds="${SYMPHONY_LEASE_SECONDS:-15}"
renew_seconds=$((lease_seconds / 5))
give_up_seconds=$((lease_seconds * 2 / 3))
epoch=0
renewer=""
# Who yields to another master has this long to stop in order.
stop_seconds="${SYMPHONY_STOP_SECONDS:-60}"

# SECONDS goes by the wall clock, which a node sets right when it pleases; this one also counts while a machine sleeps.
read_clock() { { read -r clock _ </proc/uptime; } 2>/dev/null && clock="${clock%%.*}" || clock="$SECONDS"; }

# read_lease: fails when it cannot be read, and is then about the newest epoch that was ever given away: a lease that cannot be
# read is no free one.
read_lease() {
  local key value dir
  lease_text="" lease_epoch=0 lease_holder="" lease_duration="$lease_seconds"
  if read_file lease_text "$own_dir/lease"; then
    while IFS='=' read -r key value; do
      case "$key:$value" in
      epoch:*[!0-9]* | seconds:*[!0-9]*) ;;
      epoch:?*) lease_epoch="$value" ;;
      seconds:?*) lease_duration="$value" ;;
      holder:*) lease_holder="$value" ;;
      esac
    done <<<"$lease_text"
  fi
  [ "$lease_epoch" -eq 0 ] || return 0
  for dir in "$own_dir"/epoch-[0-9]*; do
    if [ -d "$dir" ] && [ "${dir##*-}" -gt "$lease_epoch" ]; then lease_epoch="${dir##*-}" lease_holder="unknown"; fi
  done
  return 1
}

# write_lease HOLDER COUNT: readers see the old one or the new one. The count tells them that it was renewed.
write_lease() {
  {
    printf 'epoch=%s\nholder=%s\nseconds=%s\nrenewed=%s\n' "$epoch" "$1" "$lease_seconds" "$2" >"$own_dir/lease.$pod_uid" &&
      mv -f "$own_dir/lease.$pod_uid" "$own_dir/lease"
  } 2>"$run_dir/lease"
}

# A master whose node has lost its kubelet renews for ever. Kubernetes made a newer pod because that one is to go, so the newer one
# asks it to yield. Pods are numbered as they come, in files pod-NUMBER-UID, each written by its pod alone: nothing, a count that
# goes up while the pod waits and asks, or that the pod has held the lease. Then it asks no more, or a master that fails again
# and again would take the lease from one that works, again and again.
record=""
my_number=0
claim=0
kept_pods=50

# split_record FILE: sets number and uid.
split_record() {
  uid="${1##*/pod-}"
  number="${uid%%-*}" uid="${uid#*-}"
  case "$number" in "" | 0* | *[!0-9]*) return 1 ;; esac
}

# A container that is started again has its pod's number. Two pods that come at the same moment get the same one: is_newer knows.
take_number() {
  local file number uid newest=0
  for file in "$own_dir"/pod-[0-9]*; do
    split_record "$file" || continue
    [ "$number" -le "$newest" ] || newest="$number"
    if [ "$uid" = "$pod_uid" ]; then record="$file" my_number="$number"; fi
  done
  if [ -z "$record" ]; then
    my_number=$((newest + 1))
    record="$own_dir/pod-$my_number-$pod_uid"
    touch "$record" 2>"$run_dir/lease" || cannot_write lease
  fi
  read_file claim "$record"
  [ "$claim" = held ] || claim=0
}

is_newer() { [ "$1" -gt "$my_number" ] || { [ "$1" -eq "$my_number" ] && [[ "$2" > "$pod_uid" ]]; }; }

# It is written again also by who does not ask: whoever took the lease may have removed it.
ask_for_lease() {
  [ "$claim" = held ] || claim=$((claim + 1))
  printf '%s\n' "$claim" | write_file "$record" 2>/dev/null
}

# newer_asks: a request counts when it was seen to change, or a healthy master would yield to one that has died. The caller keeps
# what was seen.
newer_asks() {
  local file number uid text before
  for file in "$own_dir"/pod-[0-9]*; do
    split_record "$file" || continue
    is_newer "$number" "$uid" || continue
    text=""
    read_file text "$file" 2>/dev/null
    case "$text" in "" | *[!0-9]*) continue ;; esac
    before="${requests["$number-$uid"]:-}"
    requests["$number-$uid"]="$text"
    if [ -n "$before" ] && [ "$before" != "$text" ]; then
      log "a newer master (pod $uid) asks for the shared directory"
      return 0
    fi
  done
  return 1
}

# note_held: also forgets the pods of long ago. Those that wait now write their records again.
note_held() {
  local file number uid
  claim=held
  printf 'held\n' | write_file "$record" 2>"$run_dir/lease" || cannot_write lease
  for file in "$own_dir"/pod-[0-9]*; do
    if split_record "$file" && [ "$number" -le $((my_number - kept_pods)) ]; then rm -f "$file"; fi
  done
}

# take_epoch NUMBER: of several masters that want the lease, one can make the directory. It counts from before that, or one that
# was held up in between would write over a later one's lease.
take_epoch() {
  local before dir
  read_clock
  before="$clock"
  if ! mkdir "$own_dir/epoch-$1" 2>"$run_dir/lease"; then
    [ -d "$own_dir/epoch-$1" ] && return 1
    cannot_write lease
  fi
  epoch="$1"
  write_lease "$pod_uid" 0 || cannot_write lease
  read_lease
  read_clock
  if [ "$lease_epoch:$lease_holder" != "$epoch:$pod_uid" ] || [ $((clock - before)) -ge "$give_up_seconds" ]; then return 1; fi
  lease_since="$before"
  rm -f "$own_dir"/lease.*
  for dir in "$own_dir"/epoch-[0-9]*; do
    [ "${dir##*-}" -ge "$epoch" ] || rmdir "$dir"
  done
  note_held
}

cannot_write() {
  local answer=""
  read_file answer "$run_dir/$1"
  die "Cannot write to the shared directory $shared_dir as uid $EUID: $answer"
}

# A later try for the same lease is for a later number: who got the earlier one may have died before it wrote.
acquire_lease() {
  local seen="none" since=0 next=1 told="" ask_at=0
  take_number
  while :; do
    check_identity
    read_lease
    read_clock
    if [ "$lease_text" != "$seen" ]; then seen="$lease_text" since="$clock" next=1; fi
    if [ $((clock - since)) -ge "$lease_duration" ] || { [ "$next" -eq 1 ] && is_free; }; then
      if take_epoch $((lease_epoch + next)); then break; fi
      next=$((next + 1)) since="$clock"
    else
      await_lease
    fi
    pause
  done
  log "this master has the shared directory (epoch $epoch)"
}

# Who has yielded may be back before the one that asked has looked: who had its turn lets others have the first go.
is_free() {
  [ "$lease_holder" != "$pod_uid" ] || return 0
  [ -z "$lease_holder" ] || return 1
  [ "$claim" != held ] || [ $((clock - since)) -ge "$renew_seconds" ]
}

await_lease() {
  local asks="it is asked to end now if it is the older one"
  [ "$claim" != held ] || asks="it is not asked to: this pod had its turn"
  if [ -n "$lease_holder" ] && [ "$told" != "$lease_epoch" ]; then
    log "another master has the shared directory (pod $lease_holder, epoch $lease_epoch); this one starts when that one has ended ($asks), or has not renewed its lease for $lease_duration seconds"
    told="$lease_epoch"
  fi
  [ "$clock" -ge "$ask_at" ] || return 0
  ask_at=$((clock + renew_seconds))
  ask_for_lease
}

# In a process of its own: a write to a directory that hangs can hang for ever. Each success is told with when it began.
renew_lease() {
  local count=0 began asked=""
  local -A requests=()
  while :; do
    read -r -t "$renew_seconds" -u "$idle_fd"
    read_clock
    began="$clock"
    if read_lease && { [ "$lease_epoch" -gt "$epoch" ] || { [ "$lease_epoch" -eq "$epoch" ] && [ "$lease_holder" != "$pod_uid" ]; }; }; then
      printf 'lost\n' >&"$lease_fd"
      return
    fi
    count=$((count + 1))
    write_lease "$pod_uid" "$count" && printf '%s\n' "$began" >&"$lease_fd"
    if [ -z "$asked" ] && newer_asks; then
      asked=yes
      printf 'wanted\n' >&"$lease_fd"
    fi
  done
}

# The guard never looks at the directory, so nothing holds it up. It also ends EGO when the script itself was killed.
guard_lease() {
  local word line="" answer wanted_since=""
  heed=""
  while :; do
    # The time can be over in the middle of a line.
    if read -r -t 0.5 -u "$lease_fd" word; then
      line+="$word"
      case "$line" in
      lost) lose_lease "Another master has taken over the shared directory: EGO was killed here." ;;
      wanted) wanted_since="$clock" ;;
      *) lease_since="$line" ;;
      esac
      line=""
    else
      line+="$word"
    fi
    read_clock
    if [ $((clock - lease_since)) -ge "$give_up_seconds" ]; then
      answer=""
      read_file answer "$run_dir/lease"
      lose_lease "The shared directory $shared_dir could not be written to for $give_up_seconds seconds: EGO was killed, because another master may take over. ${answer##*: }"
    fi
    kill -0 "$main_pid" 2>/dev/null || lose_lease ""
    [ -z "$wanted_since" ] || demand_stop
  done
}

# Again and again: a signal can get lost within a timed `read`. An egosh that hangs is a program of EGO's too: once it is killed,
# the script goes on with its stop, and the lease is renewed until that has come to its end.
demand_stop() {
  kill -USR2 "$main_pid" 2>/dev/null
  [ $((clock - wanted_since)) -lt "$stop_seconds" ] || kill_ego
}

# Until the script has ended: it may be held up by the directory, and might just start EGO.
lose_lease() {
  kill_ego
  printf '%s\n' "$1" >"$run_dir/lost"
  kill -USR1 "$main_pid" 2>/dev/null
  while kill -0 "$main_pid" 2>/dev/null; do
    pause
    kill_ego
  done
  exit
}

# EGO's daemons and what they run are programs of the installation. (Where the script is process 1, its end ends the rest.)
kill_ego() {
  local dir top
  if lim_runs; then kill -KILL "$lim_pid" 2>/dev/null; fi
  top=$(cd -P "$EGO_TOP" && pwd -P)
  for dir in /proc/[0-9]*; do
    case "$(readlink "$dir/exe" 2>/dev/null)" in
    "$top"/*) kill -KILL "${dir#/proc/}" 2>/dev/null ;;
    esac
  done
}

# What the script does when the guard has killed EGO.
lease_lost() {
  local answer=""
  # shellcheck disable=SC2034 # heed_signals, in ego.sh, reads it
  heed=""
  trap '' TERM INT USR1 USR2
  read_file answer "$run_dir/lost"
  die "$answer"
}

# What the script does when a newer master asked for the lease. That is no failure. The kubelet, if there is one, starts the
# container again, which then waits.
yield_lease() {
  stop_in_order
  last_words "A newer master asked for the shared directory: EGO was stopped here."
  exit 0
}

# After a clean stop nobody has to wait. The renewals end first, or one of them would take the lease back.
release_lease() {
  [ -n "$renewer" ] || return 0
  if lim_runs; then kill_ego; fi
  kill "$renewer" 2>/dev/null
  wait "$renewer" 2>/dev/null
  read_lease
  if [ "$lease_epoch:$lease_holder" = "$epoch:$pod_uid" ] && write_lease "" 0; then log "the shared directory is released"; fi
}

# take_shared_dir: comes before anything of EGO's. It says whether there is a configuration to take up.
take_shared_dir() {
  [ -n "$shared_dir" ] || return 0
  check_identity
  [ -d "$own_dir" ] || mkdir -m 0775 "$own_dir" 2>"$run_dir/lease" || [ -d "$own_dir" ] || cannot_write lease
  # shellcheck disable=SC2034 # stop, in ego.sh, calls it
  after_stop=release_lease
  trap 'heed=lease_lost' USR1
  # Whatever else is to be heeded ends EGO as well.
  trap 'heed="${heed:-yield_lease}"' USR2
  acquire_lease
  exec {lease_fd}<> <(:)
  guard_lease &
  renew_lease &
  renewer="$!"
  # Somebody may have been faster on a directory that was empty.
  check_identity
  if [ ! -e "$own_dir/identity" ]; then
    printf 'cluster=%s\nego=%s\n' "$cluster_id" "${cluster_file##*/ego.cluster.}" | write_file "$own_dir/identity" || die "Cannot write $own_dir/identity."
  fi
  [ ! -e "$own_dir/complete" ] || complete=yes
}

# share_configuration: `egoconfig mghost` takes the configuration in the directory if there is one, as on a candidate for failover,
# and has the profile lead there. What a first start left that was cut short is made anew: EGO never ran on it. It is put aside
# and not deleted, because storage in trouble may also have hidden that the start was complete.
share_configuration() {
  local answer
  if [ -z "$complete" ] && [ -e "$shared_dir/kernel/conf" ]; then
    mv "$shared_dir/kernel/conf" "$own_dir/conf-before-epoch-$epoch" 2>"$run_dir/aside" || cannot_write aside
  fi
  attended egoconfig mghost "$shared_dir" -f >"$run_dir/mghost" 2>&1 </dev/null || {
    read_file answer "$run_dir/mghost"
    die "egoconfig mghost $shared_dir failed: $answer"
  }
}

# take_shared_configuration: after the profile was read again. The spec may have changed since the directory was written.
take_shared_configuration() {
  local there
  case "$EGO_CONFDIR" in
  "$shared_dir"/*) ;;
  *) die "egoconfig mghost $shared_dir did not move EGO's configuration there: EGO_CONFDIR is $EGO_CONFDIR." ;;
  esac
  cluster_file="$EGO_CONFDIR/${cluster_file##*/}"
  [ -f "$cluster_file" ] || die "The shared directory has no ${cluster_file#"$shared_dir"/}: its configuration is not whole."
  there=$(ego_conf_value EGO_VERSION)
  if [ -n "$there" ] && [ "$there" != "$ego_version" ]; then
    die "The shared directory has the configuration of EGO $there, and this image has EGO $ego_version. Go back to an image of that version, or migrate the directory as IBM documents it, EGO_VERSION in kernel/conf/ego.conf included."
  fi
  open_host_range
  apply_ego_conf
  [ -n "$complete" ] || printf 'The first start is done: later ones take up what is here.\n' | write_file "$own_dir/complete" ||
    die "Cannot write $own_dir/complete."
}
