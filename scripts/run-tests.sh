#!/usr/bin/env bash
# Runs the tests that `swift build --build-tests` built, in lanes side by side: most of them wait, for a group to form, for a session
# to end, for a worker to come up. Within a lane they run one after the other, because their threads block and their times are
# looked at. The last lane has whatever no other names, so nothing can be left out.
#
#     scripts/run-tests.sh [flags of swift build]
set -euo pipefail
cd "$(dirname "$0")/.."

# Name and tests of each lane, which take about as long as one another (minutes; each starts servers of its own).
lanes=(
    "chaos   ^IntegrationTests\.(ChaosTests|KillTests|ZombieTests|OutageTests|SharingTests)[./]"
    "worker  ^IntegrationTests\."
    "kafka   ^EgizKafkaTests\."
    "http    ^EgizHTTPTests\."
    "rows    ^EgizPostgresTests\."
    "rest"
)

bundle=$(swift build --show-bin-path "$@")/digital-egizPackageTests.xctest
if [ ! -x "$bundle" ]; then
    echo "tests: $bundle is not there; run 'swift build --build-tests' first" >&2
    exit 1
fi

logs=$(mktemp -d)
trap 'rm -rf "$logs"' EXIT

# Runs one lane; its own exit status, its output with the lane's name before each line.
run() {
    local name=$1 status=0
    shift
    TIMEFORMAT="tests: lane $name took %0R s, %0U s + %0S s of it computing"
    time {
        "$bundle" --testing-library swift-testing --no-parallel "$@" </dev/null 2>&1 | sed -u 's/\x1b\[[0-9;]*m//g' | tee "$logs/$name" | sed -u "s/^/$name: /" \
            || status=$?
    }
    return "$status"
}

names=()
pids=()
taken=()
for lane in "${lanes[@]}"; do
    read -r name pattern <<<"$lane "
    arguments=()
    for other in "${taken[@]}"; do arguments+=(--skip "$other"); done
    if [ -n "$pattern" ]; then
        arguments+=(--filter "$pattern")
        taken+=("$pattern")
    fi
    run "$name" "${arguments[@]}" &
    names+=("$name")
    pids+=("$!")
done

failed=()
for index in "${!pids[@]}"; do wait "${pids[$index]}" || failed+=("${names[$index]}"); done

# The end of a long log is where one looks: what failed once more, and how many ran.
for name in "${failed[@]}"; do
    echo "tests: lane $name failed:"
    grep -aE '^✘|^.*Fatal error' "$logs/$name" || tail -n 40 "$logs/$name"
done
total=0
broken=0
for name in "${names[@]}"; do
    echo "tests: lane $name: $(grep -aoE 'Test run with .*' "$logs/$name" | tail -n 1 || echo 'did not come to its end')"
    ran=$(grep -aoE 'Test run with [0-9]+' "$logs/$name" | tail -n 1 | grep -oE '[0-9]+' || echo 0)
    bad=$(grep -aE '^✘ Test .* failed after' "$logs/$name" | grep -avcE '^✘ Test run with' || true)
    # A lane that ended before its time counts as one more that failed.
    if [[ " ${failed[*]-} " == *" $name "* ]] && [ "$bad" -eq 0 ]; then
        bad=1
        ran=$((ran + 1))
    fi
    total=$((total + ran))
    broken=$((broken + bad))
done
echo "$((total - broken)) passed, $broken failed"
[ "${#failed[@]}" -eq 0 ]
