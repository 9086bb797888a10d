#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/soak with a simulation that fails for one seed in a thousand, crashes, or fails only with several seeds in one run.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tap.sh
dir=$(mktemp -d)
said=("$dir/output")
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/tests"

simulation() { # its body from standard input; $seed is the only seed to run, or empty; $from the first of several
    { echo '#!/bin/sh' && echo 'seed=$WEIR_SEED from=$WEIR_SEED_FROM' && cat; } >"$dir/tests/sim-guide_test"
    chmod +x "$dir/tests/sim-guide_test"
}

soak() {
    BUILD=$dir SOAK_SECONDS=0 "$@" tools/soak sim/guide >"$dir/output" 2>&1
}

echo 1..4
simulation <<<'exit 0'
soak env && grep -q '^ok 1 - sim/guide, 1 times$' "$dir/output" && soak env && [ "$(grep -c '^# seeds from [0-9]*$' "$dir/output")" = 1 ]
verdict $? "who never fails passes"
simulation <<<'[ -n "$seed" ] && { [ "$seed" != 5003 ] || { echo "the reason"; exit 1; }; exit 0; }; exit 1'
! soak env SOAK_FROM=5000 && grep -q "seed 5003 fails: WEIR_SEED=5003 $dir/tests/sim-guide_test$" "$dir/output" && grep -q '^# the reason$' "$dir/output"
verdict $? "the seed that fails is named, with the command and what it says"
simulation <<<'[ "$seed" != 5001 ] || kill -SEGV $$; [ -n "$seed" ] || kill -SEGV $$'
! soak env SOAK_FROM=5000 && grep -q "WEIR_SEED=5001 " "$dir/output"
verdict $? "so is one that ends the program"
simulation <<<'[ -n "$seed" ] || exit 1'
! soak env SOAK_FROM=5000 SOAK_SEEDS_MAX=20 && grep -q "WEIR_SEED_FROM=5000 $dir/tests/sim-guide_test$" "$dir/output"
verdict $? "what fails only for many seeds together is told with the first of them"
