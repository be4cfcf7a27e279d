#standardSQL
-- Ticket lines with the store and, where the catalogue knows it, the product.
SELECT
  DATE(line.sold_at) AS sold_on,
  EXTRACT(HOUR FROM line.sold_at) AS sold_hour,
  line.ticket_id,
  line.line_number,
  line.store_id,
  store.store_name,
  store.city,
  line.product_id,
  COALESCE(product.product_name, 'unknown') AS product_name,
  COALESCE(product.category, 'unknown') AS category,
  line.quantity,
  ROUND(line.quantity * line.unit_price * (1 - COALESCE(line.discount, 0)), 2) AS revenue
FROM `retail-demo.core.sales_clean` AS line
JOIN `retail-demo.raw.stores` AS store ON store.store_id = line.store_id
LEFT JOIN `retail-demo.raw.products` AS product ON product.product_id = line.product_id
