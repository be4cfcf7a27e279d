-- Old runs may be given up. Of a tick whose run is gone it is still known whether that had failed, and what refers to a run is
-- found by it.
ALTER TABLE ticks ADD COLUMN failed BIGINT NOT NULL DEFAULT 0;

CREATE INDEX workflow_arrivals_of_run ON workflow_arrivals (run_id);
CREATE INDEX idempotency_of_run ON idempotency (run_id);
