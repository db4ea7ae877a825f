-- A million rows into a table without any key, 10 a transaction, with two indexes.
create table log (at timestamptz not null, level int not null, source text not null, message text, fields jsonb);
alter table log replica identity nothing;
create index log_at on log (at);
create index log_source on log (source, at);
