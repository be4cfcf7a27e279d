-- Runs as people look for them. Beside what a run is of, listings go by what triggered it and by its finer outcome, which says the
-- status too. What a run moved is summed when it ends. The trigger is JSON that the server wrote, its type first.
ALTER TABLE runs ADD COLUMN trigger_type TEXT NOT NULL DEFAULT '';
ALTER TABLE runs ADD COLUMN rows_moved BIGINT;
ALTER TABLE runs ADD COLUMN bytes_moved BIGINT;

UPDATE runs SET trigger_type = CASE
    WHEN launched LIKE '{"type":"api"%' THEN 'api'
    WHEN launched LIKE '{"type":"cli"%' THEN 'cli'
    WHEN launched LIKE '{"type":"schedule"%' THEN 'schedule'
    WHEN launched LIKE '{"type":"backfill"%' THEN 'backfill'
    WHEN launched LIKE '{"type":"file"%' THEN 'file'
    WHEN launched LIKE '{"type":"workflow"%' THEN 'workflow'
    ELSE '' END;

DROP INDEX runs_of_account_by_type;
DROP INDEX runs_of_account_by_status;
CREATE INDEX runs_of_account_by_kind ON runs (account, configuration_type, environment, started, sequence);
-- The last three are read from the index alone: who looks through failed runs narrows them down by these.
CREATE INDEX runs_of_account_by_outcome
    ON runs (account, sub_status, started, sequence, configuration_type, environment, trigger_type);
CREATE INDEX runs_of_account_by_trigger ON runs (account, trigger_type, started, sequence);

-- Ended runs by the hour in which they started, kept by runs/hours.rs: a day is drawn from these, however many runs it had.
CREATE TABLE run_hours (
    account TEXT NOT NULL,
    hour BIGINT NOT NULL,
    status TEXT NOT NULL,
    sub_status TEXT NOT NULL,
    runs BIGINT NOT NULL,
    rows_moved BIGINT NOT NULL,
    bytes_moved BIGINT NOT NULL,
    PRIMARY KEY (account, hour, status, sub_status)
);

INSERT INTO run_hours (account, hour, status, sub_status, runs, rows_moved, bytes_moved)
SELECT account, started / 3600000000 * 3600000000, status, sub_status, COUNT(*), 0, 0 FROM runs
WHERE phase = 'ended' GROUP BY account, started / 3600000000 * 3600000000, status, sub_status;

-- Which runs triggered a run, so that a run can tell what it triggered. A run that triggered may have been pruned.
CREATE TABLE run_triggers (
    run BIGINT NOT NULL REFERENCES runs (sequence),
    triggered_by TEXT NOT NULL,
    PRIMARY KEY (run, triggered_by)
);

CREATE INDEX run_triggers_by ON run_triggers (triggered_by, run);

-- Firings keep a JSON list of run ids; each takes 45 characters, two quotes and a comma.
INSERT INTO run_triggers (run, triggered_by)
WITH RECURSIVE pieces (run, list, place) AS (
    SELECT r.sequence, f.triggered_by, 0 FROM firings f JOIN runs r ON r.run_id = f.run_id
    UNION ALL
    SELECT run, list, place + 1 FROM pieces WHERE 48 * place + 97 <= LENGTH(list)
)
SELECT DISTINCT run, SUBSTR(list, 48 * place + 3, 45) FROM pieces WHERE 48 * place + 49 <= LENGTH(list);
