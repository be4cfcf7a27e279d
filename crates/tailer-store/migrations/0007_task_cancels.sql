-- Who wants a single task stopped; and on its run, that somebody wants so of one of its tasks.
ALTER TABLE tasks ADD COLUMN cancel_wanted TEXT;

ALTER TABLE runs ADD COLUMN task_cancels BIGINT NOT NULL DEFAULT 0;
