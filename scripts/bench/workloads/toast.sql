-- 60 thousand changes of rows whose documents lie out of line, most of which are not sent again.
create table documents (
    id int primary key, title text not null, version int not null, body text not null, summary text,
    tags text[] not null, changed timestamptz not null);
alter table documents alter body set storage external;
insert into documents
select i, 'Document ' || i, 1, (select string_agg(md5((i * 100 + k)::text), '') from generate_series(1, 250) k),
    md5(i::text), array['a', 'b', (i % 10)::text], '2025-01-01'::timestamptz + i * interval '1 s'
from generate_series(1, 20000) i;
create sequence documents_id start 20001;
