# What must be on the machine. Sourced after messages.sh.
# shellcheck shell=bash

# The oldest PostgreSQL that Leat speaks with, and the Swift that its package asks for.
readonly oldest_postgres=14
readonly oldest_swift=6.2

as_root() {
    if [[ $EUID -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "This needs root, and there is no sudo: $*"
    fi
}

# Fails unless a Swift toolchain can be used.
need_swift() {
    local swiftly="${SWIFTLY_BIN_DIR:-$HOME/.local/share/swiftly/bin}"
    if ! command -v swift >/dev/null && [[ -x $swiftly/swift ]]; then
        PATH="$swiftly:$PATH"
    fi
    local version
    version=$(swift --version 2>/dev/null | sed -nE 's/.*Swift version ([0-9]+\.[0-9]+).*/\1/p' |
        head -n 1) || true
    if [[ -n $version && $(printf '%s\n' "$oldest_swift" "$version" | sort -V | head -n 1) == \
        "$oldest_swift" ]]; then
        return
    fi
    cat >&2 <<EOF
Leat is written in Swift and needs a toolchain, $oldest_swift or newer; found: ${version:-none}.

The quickest way is swiftly, the toolchain installer of swift.org:

    curl -O https://download.swift.org/swiftly/linux/swiftly-$(uname -m).tar.gz
    tar zxf swiftly-$(uname -m).tar.gz
    ./swiftly init --assume-yes
    . "\$HOME/.local/share/swiftly/env.sh"

Other ways, containers among them: https://www.swift.org/install/linux/
Then run this again.
EOF
    exit 1
}

# Prints the bin folder of the newest PostgreSQL server found, or fails.
server_bin() {
    local folder version
    for folder in "${LEAT_PG_BIN:-}" \
        $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV) \
        "$(pg_config --bindir 2>/dev/null || true)"; do
        [[ -n $folder && -x $folder/initdb && -x $folder/pgbench ]] || continue
        version=$("$folder/postgres" --version | grep -oE '[0-9]+' | head -n 1)
        if ((version >= oldest_postgres)); then
            printf '%s\n' "$folder"
            return
        fi
    done
    return 1
}

# Where servers live that the distribution does not have. The tests look there too
# (PostgresInstallation.cacheFolder). For root it is a folder that user postgres can read.
postgres_folder() {
    if [[ -n ${LEAT_POSTGRES_DIR:-} ]]; then
        printf '%s\n' "$LEAT_POSTGRES_DIR"
    elif [[ $EUID -eq 0 ]]; then
        printf '%s\n' /var/cache/leat/postgres
    else
        printf '%s\n' "${XDG_CACHE_HOME:-$HOME/.cache}/leat/postgres"
    fi
}
