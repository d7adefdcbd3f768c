# The frame of `run` and `long`: steps that are timed, bounded, run side by side and listed at the
# end. Sourced, not started.
# shellcheck shell=bash

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

unset RUSTFLAGS RUSTDOCFLAGS MIRIFLAGS CARGO_TARGET_DIR CARGO_BUILD_TARGET
export PATH="$PATH:${CARGO_HOME:-${HOME:-}/.cargo}/bin"

crate=kornia-tensor
cores=$(nproc 2>/dev/null || echo 2)
ci=${CI:-}
[ "$ci" = false ] && ci=
if [ -n "$ci" ]; then
    # Nothing here is built twice, and nobody attaches a debugger.
    export CARGO_INCREMENTAL=0 CARGO_PROFILE_DEV_DEBUG=line-tables-only
fi

names=() results=() walls=() cpus=() remarks=()
failed=0

# Runs a command in a shell where `set -e` holds: inside a condition bash would ignore it, and a
# step would go on after its first failing command. What became of it goes to a file.
body() { # NUMBER COMMAND..
    local number=$1 started=$SECONDS code=0
    shift
    set +e
    (
        set -euo pipefail
        reason=$work/$number.reason
        "$@"
    )
    code=$?
    set -e
    times >"$work/$number.times"
    local result=FAILED
    if [ "$code" -eq 0 ]; then result=ok; elif [ -s "$work/$number.reason" ]; then result=$(head -n 1 "$work/$number.reason"); fi
    printf '%s\n%s\n' "$result" $((SECONDS - started)) >"$work/$number.result"
}

# Enters what became of a step into the table.
record() { # NUMBER NAME
    local result wall cpu remark=
    { read -r result && read -r wall; } <"$work/$1.result" || { result=FAILED wall=0; }
    # User and system time of the step's children, in seconds.
    cpu=$(tail -n 1 "$work/$1.times" 2>/dev/null | tr 'ms' '  ' | awk '{ printf "%d", 60 * $1 + $2 + 60 * $3 + $4 }')
    if [ -s "$work/$1.reason" ]; then remark=$(tail -n +2 "$work/$1.reason"); fi
    # A check that should have run and could not is a failure in CI.
    if [ "$result" = FAILED ] || { [ "$result" = 'NOT RUN' ] && [ -n "$ci" ]; }; then failed=$((failed + 1)); fi
    names+=("$2") results+=("$result") walls+=("$wall") cpus+=("${cpu:-0}") remarks+=("$remark")
    printf -- '---- %s: %s, %s s, %s s of CPU ----\n' "$2" "$result" "$wall" "${cpu:-0}"
}

steps=0
# One step, whose output is seen as it comes.
step() { # NAME COMMAND..
    local name=$1
    shift
    steps=$((steps + 1))
    printf '\n==== %s ====\n' "$name"
    (body "$steps" "$@")
    record "$steps" "$name"
}

# Steps side by side, as many as there are cores; the output of each in one piece. They are begun
# in their order, so the longest comes first.
at_once() { # NAME COMMAND NAME COMMAND ..  (a command is one word, split at blanks)
    local -A number=() name=()
    local process code=0
    while [ "$#" -gt 0 ] || [ "${#number[@]}" -gt 0 ]; do
        if [ "$#" -gt 0 ] && [ "${#number[@]}" -lt "$cores" ]; then
            steps=$((steps + 1))
            # shellcheck disable=SC2086
            (body "$steps" $2) >"$work/$steps.log" 2>&1 </dev/null &
            number[$!]=$steps name[$!]=$1
            shift 2
            continue
        fi
        wait -n -p process "${!number[@]}" || code=$?
        printf '\n==== %s ====\n' "${name[$process]}"
        cat "$work/${number[$process]}.log"
        record "${number[$process]}" "${name[$process]}"
        unset "number[$process]" "name[$process]"
    done
}

# For use inside a step: it could not be run, though it should.
not_run() { # REASON
    printf 'NOT RUN\n%s' "$*" >"$reason"
    exit 1
}

# For use inside a step: nobody could run it here and now, so that it is no failure, in CI neither.
cannot_be_had() { # REASON
    printf 'NOT HAD\n%s' "$*" >"$reason"
    exit 1
}

fail() { # MESSAGE
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# A command that hangs is ended. At a terminal it stays in the foreground, so that Ctrl-C reaches it.
bounded() { # COMMAND..
    local foreground=() code=0
    if [ -t 0 ]; then foreground=(--foreground); fi
    timeout "${foreground[@]}" --kill-after=10 "$step_limit" "$@" || code=$?
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then echo "error: ended after $step_limit s: $*" >&2; fi
    return "$code"
}

# Runs a test command, and fails where it passes without running any test.
run_tests() { # COMMAND..
    local passed log=$work/tests.$BASHPID.log
    bounded "$@" 2>&1 | tee "$log"
    passed=$(awk '/^test result: ok\./ { n += $4 } END { print n + 0 }' "$log")
    [ "$passed" -gt 0 ] || fail "no test ran: $*"
}

need_nightly() { # COMPONENT
    cargo +nightly --version || not_run "no nightly toolchain"
    case $1 in
    miri) cargo +nightly miri --version || not_run "the nightly toolchain has no miri" ;;
    esac
    [ -f "$(rustc +nightly --print sysroot)/lib/rustlib/src/rust/library/std/src/lib.rs" ] ||
        not_run "the nightly toolchain has no rust-src"
}

features() { sed -n '/^\[features\]/,/^$/ s/^\([a-z0-9_-]*\) = .*/\1/p' "crates/$crate/Cargo.toml"; }

# Every feature but `diagnose`: the lock of its registers orders threads that the crate itself
# does not, so who looks for data races would find fewer.
features_without_locks() { features | grep -vx diagnose | paste -sd ,; }

# The table, and the exit status.
summary() {
    local i
    printf '\n==== summary ====\n%-44s %-8s %6s %6s\n' step '' seconds CPU
    for i in "${!names[@]}"; do
        printf '%-44s %-8s %6s %6s\n' "${names[$i]}" "${results[$i]}" "${walls[$i]}" "${cpus[$i]}"
    done
    printf '%-44s %-8s %6s\n\n' total '' "$SECONDS"
    for i in "${!names[@]}"; do
        case ${results[$i]} in
        'NOT RUN') printf 'NOT RUN: %s — %s\n' "${names[$i]}" "${remarks[$i]}" ;;
        'NOT HAD') printf 'CANNOT BE HAD: %s — %s\n' "${names[$i]}" "${remarks[$i]}" ;;
        esac
    done
    if [ "$failed" -gt 0 ]; then
        printf '%s of %s steps failed\n' "$failed" "${#names[@]}"
        exit 1
    fi
}
