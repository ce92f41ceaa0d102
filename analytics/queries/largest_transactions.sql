SELECT currency, place, day, type, id, amount
FROM (
    SELECT currency, posting_day AS day, type, id, amount,
        ROW_NUMBER() OVER (PARTITION BY currency ORDER BY amount DESC, CAST(id AS varchar)) AS place
    FROM transactions
    WHERE posting_day BETWEEN :first AND :last AND (:currency = '' OR currency = :currency)
) ranked
WHERE place <= :top
ORDER BY currency, place
