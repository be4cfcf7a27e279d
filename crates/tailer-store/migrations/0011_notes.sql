-- What people write about operations, runs and tables. `parent` is the first note of the thread, 0 for that one itself. A note that
-- was removed keeps its place, not its text. Notes on a run go with it when it is pruned.
CREATE TABLE notes (
    note GENERATED_KEY,
    account TEXT NOT NULL,
    configuration BIGINT REFERENCES configurations (key),
    run BIGINT REFERENCES runs (sequence),
    table_name TEXT,
    parent BIGINT NOT NULL,
    author TEXT NOT NULL,
    created BIGINT NOT NULL,
    edited BIGINT,
    removed BIGINT,
    text TEXT NOT NULL,
    CHECK (CASE WHEN configuration IS NULL THEN 0 ELSE 1 END + CASE WHEN run IS NULL THEN 0 ELSE 1 END
        + CASE WHEN table_name IS NULL THEN 0 ELSE 1 END = 1)
);

CREATE INDEX notes_of_configuration ON notes (configuration, parent, note) WHERE configuration IS NOT NULL;
CREATE INDEX notes_of_run ON notes (run, parent, note) WHERE run IS NOT NULL;
CREATE INDEX notes_of_table ON notes (account, table_name, parent, note) WHERE table_name IS NOT NULL;
