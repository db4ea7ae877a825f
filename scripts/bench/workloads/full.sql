-- 40 thousand changes of a small table without a key, REPLICA IDENTITY FULL.
create table settings (owner int, name text, value text, changed timestamptz);
alter table settings replica identity full;
insert into settings select i / 10, 'setting ' || i % 10, md5(i::text), '2025-01-01' from generate_series(1, 1000) i;
