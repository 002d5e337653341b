# shellcheck shell=bash
# Copyright 2026 The symphony-operator Authors.
# SPDX-License-Identifier: Apache-2.0
#
# The master: creates the cluster, and keeps entitlement, Admin's password and the GUI's certificate as the mounted
# Secrets say.
# shellcheck disable=SC2154 # run_dir, install_dir, shared_dir, complete: set in ego.sh and storage.sh, which stand before this text

entitlement_file="${SYMPHONY_ENTITLEMENT_FILE:-}"
password_file="${SYMPHONY_ADMIN_PASSWORD_FILE:-}"
tls_dir="${SYMPHONY_GUI_TLS_DIR:-}"
entitlement_now=""
password_now=""
certificate_now=""
# A credential of our own: people who log on with kubectl exec keep theirs.
as_operator() { EGOCC_FILE="$run_dir/egocc" "$@"; }
# 0: at once. A change that EGO refuses is tried again later, not twice a second.
entitlement_at=0
password_at=0

set_entitlement() {
  egoconfig setentitlement "$entitlement_file" >"$run_dir/entitlement" 2>&1 </dev/null
}

first_entitlement() {
  [ -n "$entitlement_file" ] || return 0
  local answer
  read_file entitlement_now "$entitlement_file" ||
    die "No entitlement file $entitlement_file: create the Secret and key that spec.entitlement.secretKeyRef names, or set spec.entitlement.path to a file in the image."
  set_entitlement || {
    read_file answer "$run_dir/entitlement"
    die "egoconfig setentitlement $entitlement_file failed: $answer"
  }
}

follow_entitlement() {
  local text answer
  if [ -z "$entitlement_file" ] || [ "$SECONDS" -lt "$entitlement_at" ]; then return 0; fi
  read_file text "$entitlement_file" || return 0
  [ "$text" != "$entitlement_now" ] || return 0
  if set_entitlement; then
    log "the entitlement changed and was set again"
    entitlement_now="$text"
  else
    read_file answer "$run_dir/entitlement"
    log "egoconfig setentitlement $entitlement_file failed: $answer"
    entitlement_at=$((SECONDS + 30))
  fi
}

# EGO's own rule (40 characters, none of < > &), without characters that its prompt could take apart.
password_is_usable() {
  case "$1" in
  "" | *[[:space:]\"\'\\\<\>\&]*) return 1 ;;
  esac
  [ "${#1}" -le 40 ]
}

# From 7.3.2 on there is no default password. `egoconfig setpassword -x` is the only documented form, so the password
# is an argument of that one process, for a moment, inside this container.
first_password() {
  local text
  if [ -z "$password_file" ]; then
    ego_version_at_least 4 0 || return 0
    die "Symphony 7.3.2 and later need a password for Admin: set spec.adminPassword.secretKeyRef."
  fi
  read_file text "$password_file" ||
    die "No password file $password_file: create the Secret and key that spec.adminPassword.secretKeyRef names."
  password_is_usable "$text" ||
    die "The password in the Secret of spec.adminPassword cannot be used: EGO takes 1 to 40 characters without white space, quotes, backslash, < > and &."
  ego_version_at_least 4 0 || return 0
  egoconfig setpassword -x "$text" -f >"$run_dir/password" 2>&1 </dev/null ||
    die "egoconfig setpassword failed. The Secret of spec.adminPassword may hold a password that Symphony refuses."
  password_now="$text"
}

# egosh reads commands from its standard input when it has no arguments, which keeps passwords off the process list. Its
# exit status says nothing about the single command, so the text has to. That the prompt takes its commands from a pipe
# is not documented: where it does not, the documented form with arguments has to do.
prompt() { printf '%s\n' "$@" quit | as_operator egosh 2>&1; }
prompt_works() { case "$(prompt 'ego info')" in *"Cluster name"*) ;; *) return 1 ;; esac }

logon() {
  local answer
  if prompt_works; then
    answer=$(prompt "user logon -u Admin -x $1")
  else
    answer=$(as_operator egosh user logon -u Admin -x "$1" 2>&1 </dev/null)
  fi
  case "$answer" in *"Logged on successfully"*) return 0 ;; esac
  return 1
}

# It asks for confirmation.
modify_admin() {
  if prompt_works; then
    prompt "user modify -u Admin -x $1" y
  else
    as_operator egosh user modify -u Admin -x "$1" <<<y
  fi >/dev/null 2>&1
}

# The old password is the one set before or, in a new installation before 7.3.2, the product's own.
change_password() {
  local old
  logon "$1" && return 0
  for old in "$password_now" Admin; do
    if [ -z "$old" ] || ! logon "$old"; then continue; fi
    modify_admin "$1"
    logon "$1" && return 0
  done
  return 1
}

# The Secret can change while no master runs; then EGO has a password that nobody knows any more. Only once: what a person
# sets by hand later is not taken back by a restart of EGO.
reset_password() {
  [ -n "$may_reset_password" ] && ego_version_at_least 4 0 || return 1
  may_reset_password=""
  egoconfig setpassword -x "$1" -f >"$run_dir/password" 2>&1 </dev/null &&
    egosh ego restart -f >"$run_dir/restart" 2>&1 </dev/null
}

follow_password() {
  local text
  if [ -z "$password_file" ] || [ "$SECONDS" -lt "$password_at" ]; then return 0; fi
  read_file text "$password_file" || return 0
  [ "$text" != "$password_now" ] || return 0
  password_at=$((SECONDS + 2))
  # Not up yet: minutes, with the product.
  egosh ego info >/dev/null 2>&1 || return 0
  if ! password_is_usable "$text"; then
    log "the new password in the Secret of spec.adminPassword cannot be used (1 to 40 characters without white space, quotes, backslash, < > and &)"
    password_at=$((SECONDS + 60))
  elif change_password "$text"; then
    log "the password of Admin was set from its Secret"
    password_now="$text"
    may_reset_password=""
  elif reset_password "$text"; then
    log "the password of Admin was set from its Secret, which changed while no master ran; EGO restarts with it"
  else
    log "the password of Admin could not be set from its Secret: EGO accepts neither the old nor the new one"
    password_at=$((SECONDS + 60))
  fi
  as_operator egosh user logoff >/dev/null 2>&1
}

# The console is a Liberty server whose key is in serverKeyStore.jks, alias srvalias, password Liberty: public scripts
# for 7.3.2 replace it so. This was not tested with the product. A certificate that cannot be used leaves the
# generated one in place: the console must not take the cluster down.
import_certificate() {
  local keytool security="$EGO_TOP/wlp/usr/shared/resources/security"
  for keytool in "$EGO_TOP"/jre/*/*/bin/keytool; do [ -x "$keytool" ] && break; done
  export KEYSTORE_PASSWORD=Liberty
  (
    umask 077
    mkdir -p "$security" &&
      openssl pkcs12 -export -name srvalias -in "$tls_dir/tls.crt" -inkey "$tls_dir/tls.key" \
        -out "$run_dir/gui.p12" -passout env:KEYSTORE_PASSWORD &&
      "$keytool" -importkeystore -noprompt -srcalias srvalias -destalias srvalias \
        -srckeystore "$run_dir/gui.p12" -srcstoretype PKCS12 -srcstorepass:env KEYSTORE_PASSWORD \
        -destkeystore "$security/serverKeyStore.jks" -deststorepass:env KEYSTORE_PASSWORD
  ) >"$run_dir/certificate" 2>&1 </dev/null
  local result="$?"
  rm -f "$run_dir/gui.p12"
  return "$result"
}

# Also called while EGO runs: a certificate is renewed every few weeks, and Liberty looks at its key store again.
follow_certificate() {
  local certificate key answer
  [ -n "$tls_dir" ] || return 0
  read_file certificate "$tls_dir/tls.crt" && read_file key "$tls_dir/tls.key" || return 0
  [ "$certificate$key" != "$certificate_now" ] || return 0
  certificate_now="$certificate$key"
  if import_certificate; then
    log "the GUI's certificate was taken from its Secret"
  else
    read_file answer "$run_dir/certificate"
    log "the GUI's certificate could not be taken from its Secret: $answer"
  fi
}

# Names of compute hosts, which no DNS has: files of ConfigMaps, tens of thousands of lines, which change seldom. A changed file
# is another file, since the kubelet replaces them; that costs one look every few seconds, and reading them once a change.
compute_hosts_dir="${SYMPHONY_ROOT:-/symphony}/compute-hosts"
hosts_at=0
hosts_fds=()
hosts_written=""

hosts_changed() {
  local fd
  if [ -z "$hosts_written" ] || [ "$#" -ne "${#hosts_fds[@]}" ]; then return 0; fi
  for fd in ${hosts_fds[@]+"${hosts_fds[@]}"}; do
    [ "$1" -ef "/dev/fd/$fd" ] || return 0
    shift
  done
  return 1
}

# The master's own line matters in a shared directory, where the one of its predecessor stands.
follow_hosts() {
  local file fd files=() text=""
  [ "$SECONDS" -ge "$hosts_at" ] || return 0
  hosts_at=$((SECONDS + ${SYMPHONY_HOSTS_SECONDS:-5}))
  for file in "$compute_hosts_dir"/hosts-*; do [ ! -f "$file" ] || files+=("$file"); done
  hosts_changed ${files[@]+"${files[@]}"} || return 0
  # Open files tell the next look apart from this one: their numbers cannot be given to new files.
  for fd in ${hosts_fds[@]+"${hosts_fds[@]}"}; do exec {fd}<&-; done
  hosts_fds=()
  for file in ${files[@]+"${files[@]}"}; do exec {fd}<"$file" && hosts_fds+=("$fd"); done
  [ -z "${SYMPHONY_POD_IP:-}" ] || text="$SYMPHONY_POD_IP $HOSTNAME"
  [ "${#files[@]}" -eq 0 ] || text+="$newline$(awk 'NF' "${files[@]}")"
  hosts_written=""
  [ -n "$text" ] && put_hosts "$text" && hosts_written=yes
}

follow_all() {
  follow_hosts
  follow_entitlement
  follow_password
  follow_certificate
}

write_commands "exec '$run_dir/bin/egosh' ego info >/dev/null 2>&1"
take_shared_dir
join "$HOSTNAME" :
may_reset_password=""
if [ -z "$complete" ]; then
  first_password
  first_entitlement
fi
if [ -n "$shared_dir" ]; then
  share_configuration
  # Not in a function: what a profile declares would be gone at the function's end.
  set +u
  # shellcheck disable=SC1091
  . "$install_dir/profile.platform"
  set -u
  take_shared_configuration
fi
if [ -n "$complete" ]; then
  may_reset_password=yes
  first_entitlement
fi
follow_certificate
follow_hosts
start_ego
follow_logs
watch follow_all
