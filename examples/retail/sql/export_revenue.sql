#standardSQL
SELECT
  sold_on AS day,
  store_id,
  city,
  tickets,
  units,
  revenue,
  revenue_to_date,
  rank_of_day
FROM `retail-demo.core.revenue_by_store_day`
ORDER BY day, store_id
