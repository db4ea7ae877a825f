-- Orders in five tables with foreign keys: 60 thousand transactions of about ten changes.
create table customers (
    id int primary key, name text not null, email text not null unique, balance numeric(12, 2) not null default 0,
    orders int not null default 0);
create table products (
    id int primary key, name text not null, price numeric(10, 2) not null, stock int not null,
    attributes jsonb not null);
create table orders (
    id bigserial primary key, customer int not null references customers, placed timestamptz not null,
    status text not null, total numeric(12, 2) not null);
create index orders_customer on orders (customer);
create table order_lines (
    order_id bigint not null references orders on delete cascade, line int not null,
    product int not null references products, quantity int not null, price numeric(10, 2) not null,
    primary key (order_id, line));
create table payments (
    id bigserial primary key, order_id bigint not null references orders on delete cascade, paid timestamptz not null,
    amount numeric(12, 2) not null);
create index payments_order on payments (order_id);
insert into customers select i, 'Customer ' || i, 'c' || i || '@example.com' from generate_series(1, 50000) i;
insert into products
select i, 'Product ' || md5(i::text), (i % 1000) + 0.99, 100000, jsonb_build_object('colour', i % 7, 'size', i % 11)
from generate_series(1, 5000) i;
