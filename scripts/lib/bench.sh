# What scripts/bench/run is made of. Sourced after messages.sh, needs.sh and servers.sh; expects
# `bin`, `work`, `source_server`, `target_server` (connection strings without a database), `scale`.
# shellcheck shell=bash disable=SC2154

readonly slot=bench_run publication=bench_pub

# Settings of both servers: like a small production server, not like a test's.
tune_server() { # FOLDER
    as_server tee -a "$1/data/postgresql.conf" >/dev/null <<EOF
fsync = on
shared_buffers = 1GB
max_wal_size = 8GB
max_wal_senders = 20
max_replication_slots = 20
max_worker_processes = 20
EOF
    as_server "$bin/pg_ctl" restart -s -w -D "$1/data" -l "$1/server.log" >/dev/null
}

on_source() { run_psql "$source_server dbname=bench" -At "$@"; }
on_target() { run_psql "$target_server dbname=${target_database:-bench_run}" -At "$@"; }

# Tables and rows on both sides, a slot, and then the workload on the source.
generate() { # WORKLOAD
    local files=scripts/bench/workloads/$1 side
    for side in "$source_server" "$target_server"; do
        run_psql "$side dbname=postgres" -c "set client_min_messages = warning" \
            -c "drop database if exists bench with (force)" \
            -c "create database bench"
        {
            cat "$files.sql"
            echo "create table bench_marker (id int primary key);"
        } | run_psql "$side dbname=bench" -1
        run_psql "$side dbname=bench" -c "vacuum (freeze, analyze)"
    done
    on_source -c "create publication $publication for all tables" \
        -c "select pg_create_logical_replication_slot('bench_base', 'pgoutput')" >/dev/null
    load "$files.pgbench" >"$work/load.log" 2>&1 || die "The load failed: $(grep -m 1 -i error "$work/load.log")"
    on_source -c "insert into bench_marker values (1)"
    count_changes
}

# Runs a script as often as its first line says: clients, transactions of each, rows of one large
# transaction.
load() { # SCRIPT
    local clients=1 transactions=1 rows=1 mode=prepared word
    for word in $(sed -n '1s/^-- //p' "$1"); do
        case $word in
        clients=* | transactions=* | rows=* | mode=*) local "$word" ;;
        *) die "$1 begins with \"$word\"" ;;
        esac
    done
    if ((transactions > 1)); then transactions=$((transactions * scale / 100)); fi
    "$bin/pgbench" -n -j 2 -M "$mode" -c "$clients" -t "$transactions" -D n=0 \
        -D rows=$((rows * scale / 100)) -f "$1" "$source_server dbname=bench"
}

# What the slot holds, in rows; sets `rows`. Counted in the server's own decoding.
count_changes() {
    rows=$(on_source -c "select count(*) filter (where get_byte(data, 0) in (68, 73, 85))
        from pg_logical_slot_peek_binary_changes('bench_base', null, null,
          'proto_version', '1', 'publication_names', '$publication')")
}

# Count and hash of every table, whole rows, in any order.
fingerprint() { # COMMAND
    local table
    for table in $("$1" -c "select tablename from pg_tables where schemaname = 'public' order by 1"); do
        "$1" -c "select '$table', count(*), sum(hashtextextended(t::text, 42)::numeric) from $table t"
    done
}

# --- A run -----------------------------------------------------------------------------------

# An untouched target and a slot from before the workload.
prepare_run() {
    run_psql "$target_server dbname=postgres" -c "set client_min_messages = warning" \
        -c "drop database if exists bench_run with (force)" \
        -c "create database bench_run template bench" -c checkpoint
    run_psql "$source_server dbname=bench" -c checkpoint \
        -c "select pg_drop_replication_slot('$slot') from pg_replication_slots where slot_name = '$slot'" \
        -c "select pg_copy_logical_replication_slot('bench_base', '$slot')" >/dev/null
    rm -rf "$work/state"
}

prepare_native() {
    on_target -c "create subscription bench connection '$source_server dbname=bench'
        publication $publication
        with (create_slot = false, slot_name = '$slot', enabled = false, copy_data = false)" \
        2>>"$work/native.log"
}
start_native() { on_target -c "alter subscription bench enable"; }
stop_native() {
    on_target -c "alter subscription bench disable" \
        -c "alter subscription bench set (slot_name = none)" -c "drop subscription bench"
}

prepare_leat() { :; }
start_leat() {
    # shellcheck disable=SC2086
    "$leat" sync --source "$source_server dbname=bench" --target "$target_server dbname=bench_run" \
        --stream bench --slot "$slot" --no-copy --publication "$publication" \
        --state-dir "$work/state" ${LEAT_OPTIONS:-} 2>"$work/leat.log" &
    leat_pid=$!
}
stop_leat() {
    kill "$leat_pid" && wait "$leat_pid" || die "leat failed: $(tail -n 5 "$work/leat.log")"
    leat_pid=
}

# Returns when the last transaction is visible on the target; looks every 20 ms.
wait_for_marker() {
    on_target -c "do \$\$ begin
        for i in 1..60000 loop
          if exists (select from bench_marker) then return; end if;
          perform pg_sleep(0.01);
        end loop;
        raise exception 'not caught up in ten minutes';
      end \$\$"
}

# CPU time of processes so far, in µs; nothing for those of another machine.
processor_time() { # PID...
    local pid total=0 found=
    for pid in "$@"; do
        [[ -r /proc/$pid/stat ]] || continue
        found=yes
        total=$((total + $(awk -v tick="$(getconf CLK_TCK)" '{ sub(/.*\) /, ""); print int(($12 + $13) * 1e6 / tick) }' "/proc/$pid/stat")))
    done
    if [[ $found ]]; then echo "$total"; else echo -; fi
}
walsender_time() {
    processor_time "$(on_source -c "select active_pid from pg_replication_slots where slot_name = '$slot'")"
}
# Those that write to the target: an apply worker, or the sessions of leat.
apply_time() {
    # shellcheck disable=SC2046
    processor_time $(on_target -c "select pid from pg_stat_activity where datname = 'bench_run'
        and (backend_type = 'logical replication worker' or application_name like 'leat%')")
}

# Runs a peer once. Adds a line to $work/results: workload peer seconds rows walsender apply leat equal
run_once() { # WORKLOAD PEER
    local start end times equal=NO
    prepare_run
    "prepare_$2"
    start=$EPOCHREALTIME
    "start_$2"
    wait_for_marker
    end=$EPOCHREALTIME
    times="$(walsender_time) $(apply_time) $(if [[ $leat_pid ]]; then processor_time "$leat_pid"; else echo -; fi)"
    "stop_$2"
    if [[ $(fingerprint on_target) == "$(fingerprint on_source)" ]]; then equal=yes; fi
    echo "$1 $2 $(awk -v a="$start" -v b="$end" 'BEGIN { print b - a }') $rows $times $equal" >>"$work/results"
    say "$(tail -n 1 "$work/results" | awk '{ printf "%-7s %-7s %7.2f s  %s", $1, $2, $3, $8 == "yes" ? "equal" : "NOT EQUAL" }')"
}

# --- The table -------------------------------------------------------------------------------

report() {
    awk '
        function median(list, n,   i, j, t) {
            for (i = 2; i <= n; i++)
                for (j = i; j > 1 && list[j - 1] > list[j]; j--) { t = list[j]; list[j] = list[j - 1]; list[j - 1] = t }
            return n % 2 ? list[(n + 1) / 2] : (list[n / 2] + list[n / 2 + 1]) / 2
        }
        # The median of one column over the runs of a cell, a row.
        function perRow(key, column,   list, i, n) {
            for (i = 1; i <= runs[key]; i++) if (value[key, i, column] != "-") list[++n] = value[key, i, column]
            return n ? sprintf("%.2f", median(list, n) / rows[key]) : "-"
        }
        {
            key = $1 " " $2
            if (!(key in runs)) order[++cells] = key
            i = ++runs[key]; rows[key] = $4
            for (c = 3; c <= 7; c++) value[key, i, c] = $c
            if ($8 != "yes") unequal[key] = 1
        }
        END {
            split("record receive replay sync leat native", pairs, " ")
            for (c = 1; c in pairs; c += 2) base[pairs[c]] = pairs[c + 1]
            print "| workload | peer | runs | seconds | rows/s | speed against | walsender µs/row | target µs/row | leat µs/row | equal |"
            print "|---|---|--:|--:|--:|--:|--:|--:|--:|---|"
            for (c = 1; c <= cells; c++) {
                key = order[c]; split(key, name, " "); n = runs[key]
                delete list
                for (i = 1; i <= n; i++) list[i] = value[key, i, 3]
                m = median(list, n); middle[key] = m
                other = base[name[2]]; theirs = middle[name[1] " " other]
                printf "| %s | %s | %d | %.2f (%.2f-%.2f) | %d | %s | %s | %s | %s | %s |\n", name[1], name[2], n, m, list[1], list[n], rows[key] / m, theirs ? sprintf("%s: %.2f", other, theirs / m) : "-", perRow(key, 5), perRow(key, 6), perRow(key, 7), unequal[key] ? "NO" : "yes"
            }
        }' "$work/results"
}
