-- The lake as a table of Presto, once. LAKE is the folder of `manage.py export_lake`.
CREATE SCHEMA IF NOT EXISTS lake.bank;

CREATE TABLE IF NOT EXISTS lake.bank.transactions (
    id varchar,
    type varchar,
    debit_account_id varchar,
    credit_account_id varchar,
    amount decimal(19, 4),
    currency varchar,
    debit_sequence bigint,
    debit_balance_after decimal(19, 4),
    credit_sequence bigint,
    credit_balance_after decimal(19, 4),
    reverses_id varchar,
    batch_id varchar,
    effective_at timestamp,
    created_at timestamp,
    posted_at timestamp,
    posting_day date
) WITH (
    format = 'PARQUET',
    partitioned_by = ARRAY['posting_day'],
    external_location = 'file://LAKE/transactions'
);

-- Again after each export: it finds the new days.
CALL lake.system.sync_partition_metadata('bank', 'transactions', 'FULL');
