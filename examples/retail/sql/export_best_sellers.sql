#standardSQL
SELECT
  city,
  ARRAY_AGG(STRUCT(place AS place, product_name AS product_name, units AS units, revenue AS revenue) ORDER BY place) AS products
FROM `retail-demo.core.best_sellers`
GROUP BY city
ORDER BY city
