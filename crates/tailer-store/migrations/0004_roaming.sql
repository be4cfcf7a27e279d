-- Configurations whose runs any server that executes may take: nothing of them is a file of one server. The others wait for the
-- server that has the embedded warehouse and the local folders.
ALTER TABLE configurations ADD COLUMN roams BIGINT NOT NULL DEFAULT 0;

CREATE INDEX configurations_ready_roaming ON configurations (queue_head)
    WHERE queue_head IS NOT NULL AND running < max_active_runs AND activated = 1 AND archived = 0 AND roams = 1;
