#standardSQL
-- The three products of each city that brought most; the product's id decides between equals.
WITH products AS (
  SELECT city, product_id, product_name, SUM(quantity) AS units, SUM(revenue) AS revenue
  FROM `retail-demo.core.sales`
  WHERE category != 'unknown'
  GROUP BY city, product_id, product_name
)
SELECT
  city,
  ROW_NUMBER() OVER (PARTITION BY city ORDER BY revenue DESC, product_id) AS place,
  product_name,
  units,
  revenue
FROM products
WHERE TRUE
QUALIFY place <= 3
