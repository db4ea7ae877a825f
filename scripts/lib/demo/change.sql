\set product random(1, 2000)
\set customer random(1, 30000)
update products
set price = 1 + price % 90, attributes = attributes || jsonb_build_object('seen', now()),
    tags = tags[1:2] || array['sale']
where id = :product;
update customers set address = address || '{"verified": true}' where id = :customer;
