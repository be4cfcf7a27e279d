#standardSQL
-- The last word on each ticket line. Files may repeat lines and later files may correct them; the file's name decides
-- between lines recorded at the same moment, so that the result does not depend on the order of loading.
SELECT
  * EXCEPT (tlr_ingestion_timestamp_utc, tlr_input_file_source_type, tlr_input_file_full_resource_name)
FROM `retail-demo.raw.sales`
WHERE quantity > 0
QUALIFY ROW_NUMBER() OVER (
  PARTITION BY ticket_id, line_number
  ORDER BY recorded_at DESC, tlr_input_file_name DESC
) = 1
