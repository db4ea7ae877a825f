-- A thousand tables, each touched a little: 100 thousand transactions of three changes in three of them.
do $$ begin
  for i in 0..999 loop
    execute format('create table small_%s (id int primary key, n int not null, v text, at timestamptz)', i);
    execute format('insert into small_%s select k, 0, md5(k::text), null from generate_series(1, 100) k', i);
  end loop;
end $$;
create sequence small_id start 1000 cache 100;
