SELECT currency, place, customer, accounts, balance
FROM (
    SELECT totals.*,
        ROW_NUMBER() OVER (PARTITION BY currency ORDER BY balance DESC, customer) AS place
    FROM (
        SELECT a.currency, c.number AS customer, COUNT(*) AS accounts, SUM(a.balance) AS balance
        FROM accounts a JOIN customers c ON c.id = a.customer_id
        WHERE :currency = '' OR a.currency = :currency
        GROUP BY a.currency, c.number
    ) totals
) ranked
WHERE place <= :top
ORDER BY currency, place
