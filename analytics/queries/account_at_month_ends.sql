SELECT m.month, n.currency,
    SUM(CASE WHEN n.month = m.month THEN n.credits ELSE 0 END) AS credits,
    SUM(CASE WHEN n.month = m.month THEN n.debits ELSE 0 END) AS debits,
    SUM(n.credits) - SUM(n.debits) AS balance
FROM months m
JOIN (
    SELECT e.posting_month AS month, e.currency,
        SUM(CASE WHEN e.amount > 0 THEN e.amount ELSE 0 END) AS credits,
        SUM(CASE WHEN e.amount < 0 THEN -e.amount ELSE 0 END) AS debits
    FROM entries e JOIN accounts a ON a.id = e.account_id
    WHERE a.number = :account
    GROUP BY e.posting_month, e.currency
) n ON n.month <= m.month
GROUP BY m.month, n.currency
ORDER BY m.month
