SELECT currency, place, account, customer, balance
FROM (
    SELECT a.currency, a.number AS account, c.number AS customer, a.balance,
        ROW_NUMBER() OVER (PARTITION BY a.currency ORDER BY a.balance DESC, a.number) AS place
    FROM accounts a LEFT JOIN customers c ON c.id = a.customer_id
    WHERE a.kind = 'CUSTOMER' AND (:currency = '' OR a.currency = :currency)
) ranked
WHERE place <= :top
ORDER BY currency, place
