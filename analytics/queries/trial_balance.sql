SELECT posted.currency, posted.customers, stored.balance AS stored, posted.own,
    posted.customers + posted.own AS difference
FROM (
    SELECT currency,
        SUM(CASE WHEN sequence IS NULL THEN 0 ELSE amount END) AS customers,
        SUM(CASE WHEN sequence IS NULL THEN amount ELSE 0 END) AS own
    FROM entries
    GROUP BY currency
) posted
JOIN (
    SELECT currency, SUM(balance) AS balance
    FROM accounts
    WHERE kind = 'CUSTOMER'
    GROUP BY currency
) stored ON stored.currency = posted.currency
ORDER BY posted.currency
