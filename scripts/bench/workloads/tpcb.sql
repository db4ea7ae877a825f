-- pgbench's TPC-B, scale 10, 200 thousand transactions: three updates and an insert each.
create table pgbench_branches (bid int primary key, bbalance int, filler char(88));
create table pgbench_tellers (tid int primary key, bid int, tbalance int, filler char(84));
create table pgbench_accounts (aid int primary key, bid int, abalance int, filler char(84));
create table pgbench_history (
    tid int, bid int, aid int, delta int, mtime timestamp, filler char(22), id bigserial primary key);
insert into pgbench_branches select i, 0, null from generate_series(1, 10) i;
insert into pgbench_tellers select i, (i - 1) / 10 + 1, 0, null from generate_series(1, 100) i;
insert into pgbench_accounts select i, (i - 1) / 100000 + 1, 0, '' from generate_series(1, 1000000) i;
