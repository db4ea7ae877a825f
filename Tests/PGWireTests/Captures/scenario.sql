-- The scenario behind the captures; CaptureTests.swift counts what it does.

create schema shop;
create table shop.item (id int primary key, name text, picture text, note text);
alter table shop.item alter picture set storage external;
create table shop.entry (a int, b text);
alter table shop.entry replica identity full;
create table shop.code (code text not null, value numeric(10, 2));
create unique index code_code on shop.code (code);
alter table shop.code replica identity using index code_code;
create table shop.heard (at timestamptz, what text);
alter table shop.heard replica identity nothing;
create type shop.mood as enum ('calm', 'glad');
create type shop.pair as (x int, y text);
create domain shop.grade as int check (value > 0);
create table shop.typed (
    id bigint primary key, mood shop.mood, pair shop.pair, grade shop.grade,
    list int[], data bytea, doc jsonb, day date);
-- Not published: fills the server's memory, so that transactions are streamed.
create table shop.filler (x text);
alter table shop.filler alter x set storage plain;

create publication everything
    for table shop.item, shop.entry, shop.code, shop.heard, shop.typed;
select pg_create_logical_replication_slot('plain', 'pgoutput');
select pg_create_logical_replication_slot('two_phase', 'pgoutput', false, true);

-- NULL, the empty string, and a value that goes out of line.
insert into shop.item values
    (1, 'one', repeat('0123456789', 210), ''), (2, '', null, null), (3, 'drei – 三', 'x', 'y');

-- Unchanged TOAST, then a changed key beside it, then nothing special.
begin;
update shop.item set name = 'uno' where id = 1;
update shop.item set id = 10 where id = 1;
update shop.item set note = null where id = 3;
delete from shop.item where id = 2;
commit;

-- Replica identity FULL, INDEX and NOTHING.
begin;
insert into shop.entry values (1, 'a'), (2, null);
update shop.entry set b = 'b' where a = 2;
delete from shop.entry where a = 1;
insert into shop.code values ('k', 1.5), ('l', 2);
update shop.code set value = 3 where code = 'k';
update shop.code set code = 'm' where code = 'l';
delete from shop.code where code = 'k';
insert into shop.heard values ('2024-02-29 12:00:00+00', 'leap');
commit;

insert into shop.typed values
    (1, 'glad', row(1, 'a b'), 5, '{1,NULL,3}', '\x00ff', '{"a": [1, null]}', '2000-01-01'),
    (2, null, null, null, null, null, null, null);

begin;
truncate shop.item;
truncate shop.entry, shop.code restart identity cascade;
commit;

begin;
select pg_logical_emit_message(true, 'leat', 'inside');
select pg_logical_emit_message(true, '', ''::bytea);
commit;
select pg_logical_emit_message(false, 'leat', '\x00ff00'::bytea);

-- The end of the definition of a table changes: the relation is described anew.
alter table shop.entry add column c boolean;
insert into shop.entry values (5, 'e', true);

select pg_replication_origin_create('upstream');
select pg_replication_origin_session_setup('upstream');
begin;
select pg_replication_origin_xact_setup('16/B374D848', '2024-01-01 00:00:00+00');
insert into shop.code values ('origin', 0);
commit;
select pg_replication_origin_session_reset();

-- Streamed; one of two subtransactions is rolled back after being sent.
begin;
insert into shop.item values (100, 'streamed', null, null);
savepoint a;
insert into shop.item values (101, 'rolled back', null, null);
insert into shop.filler select repeat('x', 7000) from generate_series(1, 12);
rollback to a;
savepoint b;
insert into shop.item values (102, 'kept', null, null);
insert into shop.typed values (3, 'calm', null, 1, null, null, null, null);
release b;
select pg_logical_emit_message(true, 'leat', 'streamed');
truncate shop.heard;
insert into shop.filler select repeat('x', 7000) from generate_series(1, 12);
update shop.item set id = 103 where id = 102;
delete from shop.item where id = 100;
commit;

-- Streamed and rolled back as a whole.
begin;
insert into shop.item values (200, 'never', null, null);
insert into shop.filler select repeat('x', 7000) from generate_series(1, 12);
rollback;

-- Two-phase commit: kept, rolled back, streamed.
begin;
insert into shop.item values (300, 'prepared', null, null);
prepare transaction 'kept';
commit prepared 'kept';
begin;
insert into shop.item values (301, 'prepared', null, null);
prepare transaction 'dropped';
rollback prepared 'dropped';
begin;
insert into shop.item values (302, 'prepared', null, null);
insert into shop.filler select repeat('x', 7000) from generate_series(1, 12);
prepare transaction 'streamed';
commit prepared 'streamed';
