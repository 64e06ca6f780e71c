#!/usr/bin/env bash
# Installs the Debian packages that Digital Egiz needs, and those named as arguments. Silent and without effect where they are all
# there.
set -euo pipefail

packages=(
    librdkafka-dev libpq-dev liblz4-dev libssl-dev libsimdjson-dev zlib1g-dev
    postgresql kcat python3-venv pkg-config
    "$@"
)

missing=()
if command -v dpkg-query >/dev/null; then
    for package in "${packages[@]}"; do
        status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
        [ "$status" = installed ] || missing+=("$package")
    done
else
    missing=("${packages[@]}")
fi

if [ "${#missing[@]}" -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        # Elsewhere the libraries may be there under other names: what counts is that the build finds them.
        if command -v pkg-config >/dev/null && pkg-config --exists rdkafka libpq liblz4; then exit 0; fi
        cat >&2 <<EOF
deps: this machine has no apt-get, so nothing can be installed for you. Install the equivalents of
      ${packages[*]}
      so that pkg-config finds rdkafka, libpq and liblz4, the linker finds simdjson, and initdb is in PATH or under
      /usr/lib/postgresql; then run the command again.
EOF
        exit 1
    fi
    as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "deps: missing: ${missing[*]}; run 'apt-get install ${missing[*]}' as root (there is no sudo here)" >&2
            exit 1
        fi
        as_root=(sudo)
    fi
    echo "deps: installing ${missing[*]}${as_root:+ (through sudo)}"
    # Debian starts a database cluster when it installs a server; Digital Egiz runs its own and needs none of the system.
    drop_in=/etc/postgresql-common/createcluster.d/egiz-install.conf
    if ! command -v pg_createcluster >/dev/null; then
        "${as_root[@]}" mkdir -p "${drop_in%/*}"
        echo "create_main_cluster = false" | "${as_root[@]}" tee "$drop_in" >/dev/null
        trap '"${as_root[@]}" rm -f "$drop_in"' EXIT
    fi
    apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=300)
    log=$(mktemp)
    if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } >"$log" 2>&1 </dev/null
    then
        cat "$log" >&2
        echo "deps: the installation failed; its output is above" >&2
        rm -f "$log"
        exit 1
    fi
    rm -f "$log"
    echo "deps: done"
fi

if ! command -v swift >/dev/null; then
    echo "deps: there is no swift in PATH; install Swift 6.3 from https://www.swift.org/install" >&2
    exit 1
fi
