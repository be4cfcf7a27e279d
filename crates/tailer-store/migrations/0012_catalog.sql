-- Which run of an account wrote a table last. A row goes with its run; one table has one row an account, so that nobody hears of
-- another account's runs.
CREATE TABLE table_updates (
    account TEXT NOT NULL,
    project TEXT NOT NULL,
    dataset TEXT NOT NULL,
    table_name TEXT NOT NULL,
    run BIGINT NOT NULL REFERENCES runs (sequence),
    task_id TEXT NOT NULL,
    row_count BIGINT,
    updated BIGINT NOT NULL,
    PRIMARY KEY (account, project, dataset, table_name)
);

CREATE INDEX table_updates_of_run ON table_updates (run);
