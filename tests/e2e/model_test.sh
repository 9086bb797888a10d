#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The model of the handover (tests/model/handover.pml), in every interleaving: as it is, and with each protection against
# lost wake-ups, jobs that run twice and late cancels removed in turn, which must produce a failure.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tap.sh
model=$PWD/tests/model/handover.pml
work=$(mktemp -d)
said=("$work/out")
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1

cases=("1 1 0" "2 1 0" "2 2 0" "2 1 1" "2 1 2" "2 1 3" "2 1 4" "2 2 5") # callers, workers, what is broken
names=([1]="a note left while another had the lock is not looked for" [2]="a worker sleeps without looking once more"
    [3]="a job is given out without asking whether its caller has left" [4]="a caller leaves without asking whether its job was taken"
    [5]="who slept for the lock takes it as if no other did")
echo "1..${#cases[@]}"
for i in "${!cases[@]}"; do
    read -r callers workers broken <<<"${cases[i]}"
    name="$callers callers, $workers workers"
    [ "$broken" = 0 ] || name="found out with $name: ${names[broken]}"
    spin -a "-DCALLERS=$callers" "-DWORKERS=$workers" "-DBREAK=$broken" "$model" >out 2>&1 &&
        cc "-O$((broken == 0 ? 2 : 0))" -w -DSAFETY -DCOLLAPSE -o pan pan.c >>out 2>&1 && ./pan -m100000 >out 2>&1
    errors=$(sed -n 's/.*errors: \([0-9]*\).*/\1/p' out)
    if grep -q 'max search depth too small' out; then errors=; fi
    { [ "$broken" = 0 ] && [ "$errors" = 0 ]; } || { [ "$broken" != 0 ] && [ "${errors:-0}" -gt 0 ]; }
    verdict $? "$name"
done
