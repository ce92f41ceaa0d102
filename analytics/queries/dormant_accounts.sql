SELECT a.number AS account, c.number AS customer, a.currency, a.balance, a.last_posting_day
FROM accounts a LEFT JOIN customers c ON c.id = a.customer_id
WHERE a.kind = 'CUSTOMER' AND a.status <> 'CLOSED' AND a.balance >= :least
    AND COALESCE(a.last_posting_day, a.opened_day) < :since
ORDER BY a.currency, a.balance DESC, a.number
