SELECT posting_day AS day, currency, COUNT(*) AS transactions, SUM(amount) AS amount
FROM transactions
WHERE posting_day BETWEEN :first AND :last AND (:currency = '' OR currency = :currency)
GROUP BY posting_day, currency
ORDER BY posting_day, currency
