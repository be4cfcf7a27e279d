-- Alerts: what is to be told of a run, recorded with the outcome that it tells of. `due` is when it is sent, or sent again; while a
-- server sends it, when another one may; none once it is over. `handed` is when it was last given to be sent, none after a failure.
-- `destination` is a hash of where it goes: messages to one destination are counted.
CREATE TABLE alerts (
    alert GENERATED_KEY,
    run BIGINT NOT NULL REFERENCES runs (sequence),
    status TEXT NOT NULL,
    channel TEXT NOT NULL CHECK (channel IN ('email', 'webhook', 'slack')),
    destination TEXT NOT NULL,
    shown TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    due BIGINT,
    handed BIGINT,
    digest BIGINT NOT NULL DEFAULT 0 CHECK (digest IN (0, 1)),
    attempts BIGINT NOT NULL DEFAULT 0,
    recipients TEXT,
    error TEXT,
    UNIQUE (run, status, channel)
);

CREATE INDEX alerts_due ON alerts (due) WHERE due IS NOT NULL;
CREATE INDEX alerts_handed ON alerts (destination, digest, handed) WHERE handed IS NOT NULL;
CREATE INDEX alerts_waiting ON alerts (destination, due) WHERE due IS NOT NULL;
