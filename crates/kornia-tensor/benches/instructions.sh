#!/usr/bin/env bash
# Counts the instructions of the same work on plain memory and on a tensor, with callgrind.
# Prints a table with PASS or MISS; fails if a promise is broken. Needs valgrind.
set -euo pipefail
cd "$(dirname "$0")/.."

binary=$(cargo bench --bench instructions --no-run --message-format=json 2> /dev/null |
    sed -n 's/.*"executable":"\([^"]*instructions-[^"]*\)".*/\1/p')
out=$(mktemp -d)
trap 'rm -r "$out"' EXIT

# Instructions inside `counted`, what it calls included.
count() {
    valgrind --tool=callgrind --toggle-collect='*counted*' --callgrind-out-file="$out/$1.$2" \
        "$binary" "$1" "$2" 2> "$out/log"
    sed -n 's/^\(summary\|totals\): *\([0-9]*\).*/\2/p' "$out/$1.$2" | tail -1
}

"$binary" --list > "$out/list"
total=$(wc -l < "$out/list")
done=0 missed=0
{
    printf '%-25s %10s %10s %7s  %s\n' workload plain tensor ratio target
    while read -r name target; do
        done=$((done + 1))
        [ ! -t 2 ] || printf '\r%d/%d %-20s' "$done" "$total" "$name" >&2
        plain=$(count plain "$name") tensor=$(count tensor "$name")
        case $target in
        -) verdict='' ;;
        *) if [ $((100 * tensor)) -le $((target * plain)) ]; then verdict="<= $target% PASS"
           else verdict="<= $target% MISS"; missed=$((missed + 1)); fi ;;
        esac
        printf '%-25s %10d %10d %6d%%  %s\n' "$name" "$plain" "$tensor" \
            $((100 * tensor / plain)) "$verdict"
    done < "$out/list"
    [ ! -t 2 ] || printf '\r%40s\r' '' >&2
    echo "call_*: 1000 calls; plain is clone + drop of an Arc, or Vec -> Arc -> Vec"
}
exit $((missed > 0))
