-- Attempts at tasks that failed and were tried again, or would have been, and when the next one is due.
CREATE TABLE attempts (
    run BIGINT NOT NULL REFERENCES runs (sequence),
    task_id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    started BIGINT,
    ended BIGINT NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (run, task_id, attempt)
);

ALTER TABLE tasks ADD COLUMN due BIGINT;
