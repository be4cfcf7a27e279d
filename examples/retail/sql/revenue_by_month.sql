#standardSQL
-- One row a month and category, with the category's share of its month.
WITH months AS (
  SELECT DATE_TRUNC(sold_on, MONTH) AS month, category, SUM(revenue) AS revenue
  FROM `retail-demo.core.sales`
  GROUP BY month, category
)
SELECT
  month,
  FORMAT_DATE('%Y-%m', month) AS label,
  category,
  revenue,
  SAFE_DIVIDE(revenue, SUM(revenue) OVER (PARTITION BY month)) AS share_of_month
FROM months
