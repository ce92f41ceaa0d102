SELECT currency, place, payer, payee, transactions, amount
FROM (
    SELECT totals.*,
        ROW_NUMBER() OVER (PARTITION BY currency ORDER BY amount DESC, payer, payee) AS place
    FROM (
        SELECT t.currency, COALESCE(payer.number, 'none') AS payer,
            COALESCE(payee.number, 'none') AS payee,
            COUNT(*) AS transactions, SUM(t.amount) AS amount
        FROM transactions t
        JOIN accounts debited ON debited.id = t.debit_account_id
        JOIN accounts credited ON credited.id = t.credit_account_id
        LEFT JOIN customers payer ON payer.id = debited.customer_id
        LEFT JOIN customers payee ON payee.id = credited.customer_id
        WHERE t.type = 'TRANSFER' AND t.posting_day BETWEEN :first AND :last
        GROUP BY t.currency, COALESCE(payer.number, 'none'), COALESCE(payee.number, 'none')
    ) totals
) ranked
WHERE place <= :top
ORDER BY currency, place
