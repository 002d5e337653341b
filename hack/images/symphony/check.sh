#!/usr/bin/env bash
# What can be checked of the Dockerfile beside this file without the product: its shell code by shellcheck, and that its
# edit of the product's profiles makes them know kernel 6.
set -euo pipefail
cd "$(dirname "$0")"

# The RUN instructions as a script, without their mounts.
commands=$(awk '
  /^RUN / { sub(/^RUN /, ""); body = 1 }
  body { sub(/--mount=[^ ]+ */, ""); print; if (!/\\$/) { body = 0; print "" } }' Dockerfile)
[ -n "$commands" ]
# Profiles are in the image alone, and the variables are build arguments.
printf '%s\n' "$commands" | shellcheck --shell=bash --exclude=SC1090,SC1091,SC2016,SC2154 -

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# As public scripts for the product quote its profiles.
cat >"$work/profile.soam" <<'PROFILE'
version=6
if [ $version = "3" -o $version = "4" -o $version = "5" ]; then
  BINARY_TYPE="linux-x86_64"
else
  BINARY_TYPE="fail"
  BINARY_TYPE_PMC="fail"
fi
PROFILE
mapfile -t edits < <(sed -n "s/^ *-e '\(s\/.*\)'.*/\1/p" Dockerfile)
[ "${#edits[@]}" -eq 2 ]
sed -i -E -e "${edits[0]}" -e "${edits[1]}" "$work/profile.soam"
bash -euc '. "$1"; [ "$BINARY_TYPE" = linux-x86_64 ]' check "$work/profile.soam" || {
  echo "the Dockerfile's edit leaves a profile that does not know kernel 6:" >&2
  cat "$work/profile.soam" >&2
  exit 1
}
grep -q 'BINARY_TYPE_PMC="linux-x86_64"' "$work/profile.soam"
