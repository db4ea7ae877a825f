\set payment random(1, 80000)
\set order random(1, 80000)
\set line random(1, 3)
delete from payments where id = :payment;
delete from order_items where order_id = :order and line = :line;
begin;
update orders set note = 'never seen' where id = :order;
rollback;
