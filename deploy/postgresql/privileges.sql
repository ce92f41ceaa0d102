-- The rights of bank_app in the bank's database. deploy/migrate.py runs this as bank_owner after
-- every migration; running it again changes nothing. It revokes rights that are not listed here.
--
-- The guards of the ledger are triggers, which the owner of a table can switch off. bank_app owns
-- nothing, so the guards hold even in a compromised web process.

-- Objects that a migration creates or recreates, like the view of entries, are usable at once: the
-- old web processes keep running meanwhile.
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT, INSERT, UPDATE ON TABLES TO bank_app;
ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT USAGE, SELECT ON SEQUENCES TO bank_app;

-- By default everybody may make temporary tables, and one that hides a table of the bank blinds its
-- guards. What bank_app makes, it would own.
DO $$
BEGIN
    EXECUTE format('GRANT CONNECT ON DATABASE %I TO bank_app', current_database());
    EXECUTE format(
        'REVOKE TEMPORARY, CREATE ON DATABASE %I FROM PUBLIC, bank_app', current_database());
END
$$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, bank_app;

GRANT USAGE ON SCHEMA public TO bank_app;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM bank_app;
GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA public TO bank_app;
GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO bank_app;

DO $$
DECLARE
    name text;
    -- Rows that come and go: sign-ins, tokens, who has which right, and the words of names. Never
    -- one of the ledger.
    deletable text[] := ARRAY[
        'auth_group', 'auth_group_permissions', 'auth_user_groups', 'auth_user_user_permissions',
        'axes_accessattempt', 'axes_accessattemptexpiration', 'django_session',
        'oauth2_provider_accesstoken', 'oauth2_provider_devicegrant', 'oauth2_provider_grant',
        'oauth2_provider_idtoken', 'oauth2_provider_refreshtoken',
        'otp_static_staticdevice', 'otp_static_statictoken', 'otp_totp_totpdevice',
        'staff_onetimepassword', 'staff_staffsession',
        'webhooks_delivery', 'webhooks_endpoint',
        'words_of_accounts', 'words_of_customers', 'words_of_users'
    ];
    -- Written by migrations only.
    read_only text[] := ARRAY['auth_permission', 'django_content_type', 'django_migrations'];
    -- Written once and then read: the guards say the same, for every role.
    append_only text[] := ARRAY[
        'accounts_accountevent', 'axes_accessfailurelog', 'customers_customerevent',
        'django_admin_log', 'seals_seal', 'seals_sealedrange',
        'staff_failedloginorigin', 'staff_logentryorigin', 'staff_loginorigin',
        'statements_statement',
        'transactions_archivesegment', 'transactions_transactionevent', 'transactions_verification'
    ];
BEGIN
    FOR name IN
        SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'
    LOOP
        IF name = ANY (deletable) THEN
            EXECUTE format('GRANT DELETE ON %I TO bank_app', name);
        ELSIF name = ANY (read_only) THEN
            EXECUTE format('REVOKE INSERT, UPDATE ON %I FROM bank_app', name);
        ELSIF name = ANY (append_only) THEN
            EXECUTE format('REVOKE UPDATE ON %I FROM bank_app', name);
        END IF;
    END LOOP;
END
$$;
