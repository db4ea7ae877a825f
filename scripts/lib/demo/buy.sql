\set customer random(1, 30000)
\set product random(1, 1990)
begin;
insert into orders (customer_id) values (:customer) returning id \gset
insert into order_items
select :id, l, :product + l, 1 + l % 3, p.price
from generate_series(1, 3) l join products p on p.id = :product + l;
update products set stock = stock - 1 where id = :product + 1;
commit;
