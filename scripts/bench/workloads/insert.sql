-- 2 million narrow rows, 100 a transaction.
create table narrow (
    id bigint primary key, k int not null, v text not null, ts timestamptz not null,
    amt numeric(12, 2) not null);
create sequence narrow_seq cache 100;
