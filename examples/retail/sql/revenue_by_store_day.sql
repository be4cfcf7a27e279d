#standardSQL
-- One row a store and day, with the store's running total and its rank among the stores of that day.
WITH days AS (
  SELECT
    sold_on,
    store_id,
    store_name,
    city,
    COUNT(DISTINCT ticket_id) AS tickets,
    SUM(quantity) AS units,
    SUM(revenue) AS revenue
  FROM `retail-demo.core.sales`
  GROUP BY sold_on, store_id, store_name, city
)
SELECT
  *,
  SUM(revenue) OVER (PARTITION BY store_id ORDER BY sold_on) AS revenue_to_date,
  RANK() OVER (PARTITION BY sold_on ORDER BY revenue DESC) AS rank_of_day
FROM days
