SELECT failure_code AS reason, currency, COUNT(*) AS transactions, SUM(amount) AS amount
FROM transactions
WHERE failed_day BETWEEN :first AND :last
GROUP BY failure_code, currency
ORDER BY COUNT(*) DESC, failure_code, currency
