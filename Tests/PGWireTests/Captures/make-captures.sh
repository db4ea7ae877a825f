#!/bin/sh
# Captures what pgoutput sends, for the tests of PGWire.
#
#   make-captures.sh PG_BIN_DIR [OUTPUT_DIR]
#
# Starts a server from PG_BIN_DIR in a temporary folder, runs scenario.sql, and
# writes one file for each protocol version that the server knows, and one in
# binary form: <major>-v<protocol>[-binary].hex, a message a line, as
# "lsn xid hex". The server is stopped and its folder removed in the end.
# Run as root, the server runs as the user postgres.
set -eu

bin=$1
here=$(cd "$(dirname "$0")" && pwd)
out=${2:-$here}
work=$(mktemp -d "${TMPDIR:-/tmp}/captures.XXXXXX")
major=$("$bin/postgres" --version | sed 's/[^0-9]*\([0-9]*\).*/\1/')

if [ "$(id -u)" = 0 ]; then
    chown postgres "$work"
    as() { (cd "$work" && runuser -u postgres -- "$@"); }
else
    as() { (cd "$work" && "$@"); }
fi
stop() {
    as "$bin/pg_ctl" -D "$work/data" -m immediate -w stop >/dev/null 2>&1 || true
    rm -rf "$work"
}
trap stop EXIT

sql() { as "$bin/psql" -XAtq -v ON_ERROR_STOP=1 -h "$work" -U postgres -d postgres "$@"; }

as "$bin/initdb" -D "$work/data" -U postgres -A trust -E UTF8 --locale=C -N >/dev/null
as "$bin/pg_ctl" -D "$work/data" -l "$work/log" -w start -o "-c listen_addresses='' \
    -c unix_socket_directories='$work' -c wal_level=logical -c logical_decoding_work_mem=64kB \
    -c max_prepared_transactions=10 -c autovacuum=off -c fsync=off -c timezone=UTC" >/dev/null
sql -f - <"$here/scenario.sql" >/dev/null

# capture NAME SLOT PROTOCOL OPTION VALUE ...
capture() {
    name=$1 slot=$2 protocol=$3
    shift 3
    options="'proto_version', '$protocol', 'publication_names', 'everything', 'messages', 'true'"
    for word in "$@"; do options="$options, '$word'"; done
    sql -F ' ' -c "select lsn, xid, encode(data, 'hex')
        from pg_logical_slot_peek_binary_changes('$slot', null, null, $options)" \
        >"$out/$major-$name.hex"
}

capture v1 plain 1
capture v1-binary plain 1 binary true
capture v2 plain 2 streaming on
capture v3 two_phase 3 streaming on two_phase on
if [ "$major" -ge 16 ]; then
    capture v4 two_phase 4 streaming parallel two_phase on
fi
