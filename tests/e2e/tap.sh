# SPDX-License-Identifier: MIT
# TAP for the tests in bash, which source this file and print their plan themselves.
number=0 # of the latest case
said=()  # files that hold what a case printed; shown if it fails

verdict() { # STATUS NAME: reports a case
    number=$((number + 1))
    if [ "$1" = 0 ]; then
        echo "ok $number - $2"
    else
        echo "not ok $number - $2"
        sed 's/^/# /' "${said[@]}"
    fi
}

check() { # NAME COMMAND…: a case that passes if the command succeeds; what it prints goes to the first of said
    local name=$1 status=0
    shift
    "$@" >"${said[0]}" 2>&1 || status=$?
    verdict $status "$name"
}

skip() { # REASON: reports a case that cannot be run here
    number=$((number + 1))
    echo "ok $number # SKIP $1"
}
