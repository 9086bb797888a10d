#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tools/setup on a simulated machine: missing packages are named and installed, once, and nothing else is changed.
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/e2e/tap.sh
dir=$(mktemp -d)
said=("$dir/output" "$dir/log")
trap 'rm -rf "$dir"' EXIT

pretend() { # NAME: makes a command of the simulated machine, its body from standard input
    { echo "#!$(command -v bash)" && cat; } >"$dir/$1"
    chmod +x "$dir/$1"
}

for command in bash sort sed comm env cat sh rm chmod; do
    ln -s "$(command -v $command)" "$dir/$command"
done
pretend dpkg-query <<END
cat "$dir/installed"
END
pretend apt-get <<END
echo "apt-get \$*" >>"$dir/log"
case " \$* " in *" install "*)
    [ ! -x "$dir/policy" ] || echo "no service may start" >>"$dir/log"
    [ -e "$dir/broken" ] || printf 'installed %s\\n' "\$@" >>"$dir/installed"
    ;;
esac
END
pretend update-rc.d <<END
echo "update-rc.d \$*" >>"$dir/log"
END
pretend sudo <<END
echo "sudo" >>"$dir/log"
exec "\$@"
END

setup() { # runs tools/setup as user ID with these packages installed; output in $dir/output
    echo "echo $1" | pretend id
    echo "$2" >"$dir/installed"
    : >"$dir/log"
    shift 2
    POLICY_RC_D=$dir/policy PATH=$dir "$dir/bash" tools/setup "$@" >"$dir/output" 2>&1
}

echo 1..11
setup 0 "installed make" make && [ ! -s "$dir/log" ] && [ ! -s "$dir/output" ]
verdict $? "nothing is missing: nothing is run, nothing is said"
setup 0 "config-files make" make && grep -q 'installing make' "$dir/output" && grep -q 'install .* make$' "$dir/log"
verdict $? "a removed package counts as missing, is named and installed"
setup 0 "" make && ! grep -q sudo "$dir/log" && grep -q ' update$' "$dir/log"
verdict $? "root needs no sudo, and the package lists are fetched first"
setup 1000 "" make && grep -q sudo "$dir/log"
verdict $? "another user goes through sudo"
! setup 0 "" --check make && [ ! -s "$dir/log" ] && grep -q 'missing Debian packages: make ' "$dir/output"
verdict $? "--check only says what is missing"
test=$(sed -n 's/^ *\[test\]="\(.*\)"/\1/p' tools/setup)
for name in ${test/prometheus/}; do echo "installed $name"; done >"$dir/all_but_one"
setup 0 "$(cat "$dir/all_but_one")" test && grep -q 'no service may start' "$dir/log" &&
    grep -q 'update-rc.d prometheus disable' "$dir/log" && [ ! -e "$dir/policy" ]
verdict $? "a service that comes with a tool is not started, and other services may be afterwards"
setup 0 "" peers && grep -q 'no service may start' "$dir/log" && grep -q 'update-rc.d nginx disable' "$dir/log" &&
    grep -q 'update-rc.d postgresql disable' "$dir/log"
verdict $? "nor is one that is named otherwise than its package"
setup 0 "" make && ! grep -q -e 'no service' -e update-rc.d "$dir/log" && echo mine >"$dir/policy" &&
    setup 0 "$(cat "$dir/all_but_one")" test && [ "$(cat "$dir/policy")" = mine ]
verdict $? "services are nobody's concern elsewhere, and whoever decides on them already goes on to"
touch "$dir/broken"
! setup 0 "" make && grep -q 'yet these are missing: make' "$dir/output"
verdict $? "an installation that changed nothing is a failure"
rm "$dir/sudo"
! setup 1000 "" make && [ ! -s "$dir/log" ] && grep -q 'neither root nor sudo' "$dir/output"
verdict $? "without root and sudo it says what to do"
rm "$dir/dpkg-query"
! setup 0 "" make && grep -q 'not a Debian system' "$dir/output"
verdict $? "another system is told what it needs"
