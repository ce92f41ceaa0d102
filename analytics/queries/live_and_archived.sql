SELECT posting_month AS month, currency,
    SUM(1 - is_archived) AS live, SUM(is_archived) AS archived, COUNT(*) AS transactions,
    SUM(amount) AS amount
FROM transactions
WHERE posting_day BETWEEN :first AND :last
GROUP BY posting_month, currency
ORDER BY posting_month, currency
