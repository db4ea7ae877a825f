-- 300 thousand changes of a table with six indexes: inserts, updates of indexed columns, deletes.
create table tickets (
    id bigint primary key, number text not null unique, owner int not null, state int not null, priority int not null,
    opened timestamptz not null, changed timestamptz not null, subject text not null, labels text[] not null);
create index tickets_owner on tickets (owner, state);
create index tickets_changed on tickets (changed);
create index tickets_subject on tickets (subject);
create index tickets_labels on tickets using gin (labels);
insert into tickets
select i, 'T-' || i, i % 1000, i % 5, i % 3, '2025-01-01'::timestamptz + i * interval '1 s', '2025-01-01'::timestamptz + i * interval '1 s',
    'subject ' || md5(i::text), array['l' || i % 20, 'm' || i % 7] from generate_series(1, 200000) i;
create sequence tickets_id start 200001 cache 100;
