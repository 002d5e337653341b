#!/usr/bin/env bash
# Fuzzes every target in turn for as long as FUZZTIME says (10s): fuzz.sh [PATTERN]
# PATTERN limits it to the targets that it matches. What breaks one is left under testdata/fuzz of its package: keep it there,
# with the fix, and every later run of the tests holds it.
set -euo pipefail
cd "$(dirname "$0")/.."
pattern="${1:-^Fuzz}"
# One worker by default: fuzzing is what a machine does beside other things.
parallel="${FUZZPARALLEL:-1}"
failed=()
count=0
while read -r package; do
  while read -r target; do
    [[ "$target" == Fuzz* ]] || continue
    printf '\n== %s %s\n' "$package" "$target"
    count=$((count + 1))
    go test -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-10s}" -fuzzminimizetime "${FUZZMINIMIZE:-20x}" -parallel "$parallel" "$package" || failed+=("$package $target")
  done < <(go test -list "$pattern" "$package")
done < <(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u | sed 's|^|./|')
printf '\n%s targets, %s failed\n' "$count" "${#failed[@]}"
[ "$count" -gt 0 ] || exit 1
for target in "${failed[@]}"; do printf '  %s\n' "$target"; done
[ "${#failed[@]}" -eq 0 ]
