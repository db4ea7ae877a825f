-- 500 thousand updates of 200 thousand rows of 11 columns, 10 a transaction.
create table wide (
    id bigint primary key, a int not null, b int, c bigint, d numeric(14, 4), e text, f text, g jsonb,
    h timestamptz, i boolean, j double precision);
insert into wide
select n, n % 97, n % 1013, n * 31, n / 7.0, md5(n::text) || md5((n + 1)::text), repeat(md5((n + 2)::text), 3),
    jsonb_build_object('n', n, 'tags', jsonb_build_array('a', 'b', n % 10), 'name', md5((n + 3)::text)),
    '2025-01-01'::timestamptz + n * interval '1 s', n % 2 = 0, n / 3.0
from generate_series(1, 200000) n;
