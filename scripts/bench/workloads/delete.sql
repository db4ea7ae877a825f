-- 500 thousand deletes out of a million rows in scattered order, 10 a transaction.
create table narrow (
    id bigint primary key, k int not null, v text not null, ts timestamptz not null,
    amt numeric(12, 2) not null);
insert into narrow
select i, i % 1000, md5(i::text) || '-abcdefg', '2025-01-01'::timestamptz + i * interval '1 s', (i % 100000) / 100.0
from generate_series(1, 1000000) i;
