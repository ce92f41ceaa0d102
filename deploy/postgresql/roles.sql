-- Roles and database of the bank. Run by a superuser of the server, once, with psql:
--
--   psql -v owner_password=... -v app_password=... -f roles.sql
--
-- bank_owner owns the database and everything in it; only migrations and restores log in as it.
-- Web processes and jobs log in as bank_app. Its rights are in privileges.sql, which
-- deploy/migrate.py applies after every migration.

\set ON_ERROR_STOP on

CREATE ROLE bank_owner LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'owner_password';
CREATE ROLE bank_app LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'app_password';

CREATE DATABASE bank OWNER bank_owner;
-- Everybody else: no connection, no temporary tables.
REVOKE ALL ON DATABASE bank FROM PUBLIC;
GRANT CONNECT ON DATABASE bank TO bank_app;
