SELECT m.month, n.currency, SUM(n.net) AS balance
FROM months m
JOIN (
    SELECT currency, posting_month AS month, SUM(amount) AS net
    FROM entries
    WHERE sequence IS NOT NULL
    GROUP BY currency, posting_month
) n ON n.month <= m.month
GROUP BY m.month, n.currency
ORDER BY m.month, n.currency
