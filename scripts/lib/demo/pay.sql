\set order random_zipfian(1, 80000, 1.05)
begin;
update orders set status = 'paid', note = null where id = :order;
insert into payments (order_id, amount) values (:order, 9.99);
commit;
