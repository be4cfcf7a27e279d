-- Results of expectations, one row a CALL. An attempt at a task writes all of its rows at once, and only once: a worker that takes
-- over goes on from what is there.
CREATE TABLE expectations (
    run BIGINT NOT NULL REFERENCES runs (sequence),
    task_id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    position BIGINT NOT NULL,
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    criticality TEXT NOT NULL,
    passed BIGINT NOT NULL CHECK (passed IN (0, 1)),
    line BIGINT NOT NULL,
    message TEXT NOT NULL,
    result TEXT NOT NULL,
    rejected TEXT NOT NULL,
    checked BIGINT NOT NULL,
    PRIMARY KEY (run, task_id, attempt, position)
);

CREATE INDEX expectations_of_configuration ON expectations (configuration, checked, run, task_id, position);
