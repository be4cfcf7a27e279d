-- What the pages of data quality and freshness are read from, however long the history is.

-- One row an expectation: the results of one CALL, run after run, with where the newest one is. `digest` is of the operation, the
-- task, the CALL as it stands in the file, and which of several equal ones it is.
CREATE TABLE expectation_series (
    key GENERATED_KEY,
    digest TEXT NOT NULL UNIQUE,
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    account TEXT NOT NULL,
    task_id TEXT NOT NULL,
    -- Empty until it is checked again, for results of before this table.
    called TEXT NOT NULL,
    procedure_name TEXT NOT NULL,
    dataset TEXT NOT NULL,
    tablename TEXT NOT NULL,
    column_name TEXT NOT NULL,
    -- Of its newest result; `version` is that of the operation.
    passed BIGINT NOT NULL CHECK (passed IN (0, 1)),
    checked BIGINT NOT NULL,
    run BIGINT NOT NULL,
    version BIGINT NOT NULL
);

CREATE INDEX expectation_series_of_account ON expectation_series (account);
CREATE INDEX expectation_series_of_configuration ON expectation_series (configuration);

ALTER TABLE expectations ADD COLUMN series BIGINT REFERENCES expectation_series (key);

CREATE INDEX expectations_of_series ON expectations (series, checked, run, attempt, position);

-- When the newest regular runs of operations in PROD began, as freshness reads them, and the newest of those runs.
CREATE TABLE arrivals (
    configuration BIGINT PRIMARY KEY REFERENCES configurations (key),
    starts TEXT NOT NULL,
    run_id TEXT NOT NULL
);
