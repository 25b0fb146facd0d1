#!/usr/bin/env bash
# Check, prove and compare one fabric file for a pull request. Variables: CLOISON, FABRIC, BASE (may be
# empty), DIFFERENCES (fail or tell), SARIF, LINK, GITHUB_STEP_SUMMARY. Exits with the worst code:
# wrong input, then a finding, then unknown. Nothing that an input says gets to stdout or stderr but
# as annotations: the runner looks for commands in both.
set -uo pipefail

worst=0
note() { # CODE
    local code
    for code in 70 2 1 4 3; do
        if [ "$1" = "$code" ] || [ "$worst" = "$code" ]; then
            worst=$code
            return
        fi
    done
    [ "$1" = 0 ] || worst=$1
}

summary=${GITHUB_STEP_SUMMARY:-/dev/null}
"$CLOISON" check -q -o github -- "$FABRIC"
note $?
if [ "$worst" != 2 ]; then
    before=()
    [ -z "$BASE" ] || before=(--base "$BASE...HEAD")
    "$CLOISON" verify -q -o github --summary "$summary" --link "$LINK" "${before[@]}" -- "$FABRIC"
    note $?
    if [ -n "$BASE" ]; then
        "$CLOISON" diff -q -o sarif --link "$LINK" -- "$BASE...HEAD" "$FABRIC" >"$SARIF" 2>/dev/null
        "$CLOISON" diff -q -o github --summary "$summary" --link "$LINK" -- "$BASE...HEAD" "$FABRIC"
        code=$?
        if [ "$code" = 1 ] && [ "$DIFFERENCES" = tell ]; then code=0; fi
        note "$code"
    fi
fi
exit "$worst"
