-- 500 thousand updates of a thousand rows, 10 a transaction.
create table counter (id int primary key, n bigint not null, label text not null, seen timestamptz);
insert into counter select i, 0, md5(i::text), null from generate_series(1, 1000) i;
