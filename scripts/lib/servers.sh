# Throw-away PostgreSQL servers. Sourced after messages.sh and needs.sh; expects `bin`, the
# server's bin folder.
# shellcheck shell=bash

# Runs a server program: as root it becomes the user postgres.
as_server() {
    if [[ $EUID -eq 0 ]]; then
        (cd / && setpriv --reuid=postgres --regid=postgres --init-groups -- "$@")
    else
        "$@"
    fi
}

# Makes a folder that the server's user owns, and prints it.
server_folder() {
    local folder
    folder=$(mktemp -d "${TMPDIR:-/tmp}/leat-$1-XXXXXX")
    chmod 755 "$folder"
    if [[ $EUID -eq 0 ]]; then chown postgres "$folder"; fi
    printf '%s\n' "$folder"
}

# Prints a port of 127.0.0.1 on which nobody listens, below those that the kernel gives to clients.
free_port() {
    local port
    while true; do
        port=$((20000 + RANDOM % 12000))
        if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
            printf '%s\n' "$port"
            return
        fi
    done
}

# start_server FOLDER: makes and starts a server there; its port is then in FOLDER/port.
start_server() {
    local folder=$1 port _
    as_server "${bin:?}/initdb" -D "$folder/data" -U postgres -A trust -E UTF8 --locale=C --no-sync \
        >"$folder/initdb.log" 2>&1 || die "initdb failed: $(tail -n 5 "$folder/initdb.log")"
    # Another process may take the port before the server has it.
    for _ in 1 2 3 4 5; do
        port=$(free_port)
        as_server tee -a "$folder/data/postgresql.conf" >/dev/null <<EOF
port = $port
listen_addresses = '127.0.0.1'
unix_socket_directories = '$folder'
wal_level = logical
fsync = off
EOF
        if as_server "$bin/pg_ctl" start -s -w -D "$folder/data" -l "$folder/server.log" \
            >/dev/null 2>&1; then
            printf '%s\n' "$port" >"$folder/port"
            return
        fi
        grep -qs 'Address already in use' "$folder/server.log" || break
    done
    die "The server in $folder does not start: $(tail -n 5 "$folder/server.log")"
}

# stop_server FOLDER: stops it if it runs, and removes everything.
stop_server() {
    if [[ -f $1/data/postmaster.pid ]]; then
        as_server "$bin/pg_ctl" stop -s -m immediate -D "$1/data" >/dev/null 2>&1 || true
    fi
    rm -rf -- "$1"
}

# psql without anybody's settings: run_psql CONNINFO [ARGUMENT]...
run_psql() {
    local conninfo=$1
    shift
    "$bin/psql" -X -q -v ON_ERROR_STOP=1 "$@" "$conninfo"
}

# One value: value CONNINFO SQL
value() { run_psql "$1" -At -c "$2"; }
