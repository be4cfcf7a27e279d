#standardSQL
SELECT
  city,
  ARRAY_AGG(STRUCT(place, product_name, units, revenue) ORDER BY place) AS products
FROM `retail-demo.core.best_sellers`
GROUP BY city
ORDER BY city
