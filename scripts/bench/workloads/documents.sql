-- 300 thousand changes of rows with arrays, composites, ranges and jsonb.
create type place as (street text, number int, city text);
create table events (
    id bigint primary key, kind text not null, tags text[] not null, scores int[] not null, matrix numeric[],
    payload jsonb not null, raw json, "where" place, during tstzrange, address inet, token uuid, data bytea);
insert into events
select i, 'kind ' || i % 9, array['a', 'b c', 'd"e', null], array[i, i + 1, i + 2], array[[1.5, i], [2.25, 0]],
    jsonb_build_object('n', i, 'list', jsonb_build_array(1, 2, i), 'text', md5(i::text)), '{"a": [1, 2]}',
    row('Main "St", 1', i, 'Town')::place, tstzrange('2025-01-01', '2025-01-02'), '10.0.0.1', md5(i::text)::uuid, decode(md5(i::text), 'hex')
from generate_series(1, 100000) i;
create sequence events_id start 100001 cache 100;
