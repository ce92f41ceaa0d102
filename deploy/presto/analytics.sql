-- The views of the schema `analytics`, and the role bank_analyst, which reads them and nothing else.
-- Written by `python -m deploy.presto.views`. Run by a superuser of the server, with psql, in the
-- bank's database; again after an upgrade whose release notes say so:
--
--   psql -v owner=bank_owner -v zone=UTC -v analyst_password=... -f analytics.sql bank
--
-- `owner` is the role that owns the bank's tables, `zone` is BANK_TIME_ZONE. No view has a name, a
-- description or other free text. docs/analytics.md tells of the columns.

\set ON_ERROR_STOP on

SELECT 'CREATE ROLE bank_analyst LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE'
WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bank_analyst') \gexec
ALTER ROLE bank_analyst PASSWORD :'analyst_password';
ALTER ROLE bank_analyst SET default_transaction_read_only = on;
ALTER ROLE bank_analyst SET statement_timeout = '10min';
SELECT format('GRANT CONNECT ON DATABASE %I TO bank_analyst', current_database()) \gexec

BEGIN;
CREATE SCHEMA IF NOT EXISTS analytics AUTHORIZATION :"owner";
SET LOCAL ROLE :"owner";
DROP VIEW IF EXISTS analytics.customers;
CREATE VIEW analytics.customers AS SELECT id AS id, number AS number, kind AS kind, status AS status, CAST(created_at AT TIME ZONE :'zone' AS date) AS registered_day FROM customers_customer;
DROP VIEW IF EXISTS analytics.accounts;
CREATE VIEW analytics.accounts AS SELECT id AS id, number AS number, kind AS kind, status AS status, currency AS currency, customer_id AS customer_id, CAST(balance * 0.0001 AS numeric(19, 4)) AS balance, CAST(created_at AT TIME ZONE :'zone' AS date) AS opened_day, CAST(last_posted_at AT TIME ZONE :'zone' AS date) AS last_posting_day FROM accounts_account;
DROP VIEW IF EXISTS analytics.transactions;
CREATE VIEW analytics.transactions AS SELECT id AS id, type AS type, status AS status, debit_account_id AS debit_account_id, credit_account_id AS credit_account_id, CAST(amount * 0.0001 AS numeric(19, 4)) AS amount, currency AS currency, failure_code AS failure_code, CASE WHEN archived_at IS NULL THEN 0 ELSE 1 END AS is_archived, CAST(completed_at AT TIME ZONE :'zone' AS date) AS posting_day, to_char(completed_at AT TIME ZONE :'zone', 'YYYY-MM') AS posting_month, CASE WHEN status = 'FAILED' THEN CAST(updated_at AT TIME ZONE :'zone' AS date) END AS failed_day FROM transactions_transaction;
DROP VIEW IF EXISTS analytics.entries;
CREATE VIEW analytics.entries AS SELECT transaction_id AS transaction_id, account_id AS account_id, sequence AS sequence, CAST(amount * 0.0001 AS numeric(19, 4)) AS amount, CAST(balance_after * 0.0001 AS numeric(19, 4)) AS balance_after, currency AS currency, CAST(posted_at AT TIME ZONE :'zone' AS date) AS posting_day, to_char(posted_at AT TIME ZONE :'zone', 'YYYY-MM') AS posting_month FROM (SELECT id AS transaction_id, debit_account_id AS account_id, debit_sequence AS sequence, -amount AS amount, debit_balance_after AS balance_after, currency, completed_at AS posted_at FROM transactions_transaction WHERE completed_at IS NOT NULL UNION ALL SELECT id AS transaction_id, credit_account_id AS account_id, credit_sequence AS sequence, amount AS amount, credit_balance_after AS balance_after, currency, completed_at AS posted_at FROM transactions_transaction WHERE completed_at IS NOT NULL) AS sides;
GRANT USAGE ON SCHEMA analytics TO bank_analyst;
GRANT SELECT ON ALL TABLES IN SCHEMA analytics TO bank_analyst;
COMMIT;
