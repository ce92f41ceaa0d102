SELECT type, currency, COUNT(*) AS transactions, SUM(amount) AS amount,
    MIN(amount) AS smallest, MAX(amount) AS largest
FROM transactions
WHERE posting_day BETWEEN :first AND :last
GROUP BY type, currency
ORDER BY type, currency
