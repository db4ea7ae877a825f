-- 400 thousand changes of a table with 32 partitions: inserts, and updates of recent rows.
create table readings (
    sensor int not null, at timestamptz not null, value double precision not null, quality int, note text,
    primary key (sensor, at)) partition by hash (sensor);
do $$ begin
  for i in 0..31 loop
    execute format('create table readings_%s partition of readings for values with (modulus 32, remainder %s)', i, i);
  end loop;
end $$;
insert into readings
select i % 5000, '2025-01-01'::timestamptz + i / 5000 * interval '1 s', i / 7.0, 0, null from generate_series(1, 200000) i;
create sequence readings_step;
