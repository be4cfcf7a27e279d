-- What the server knows: configurations, their runs, and the guards that make each decision happen once.
--
-- Two words differ between databases and are replaced before this runs: GENERATED_KEY (a key that the database counts up
-- and never gives twice) and BYTES. Instants are microseconds since the epoch, UTC; days are text; flags are 0 and 1.
-- Each statement ends with a semicolon at the end of its line, and with nothing else does a line end so.

-- Data operations. The versions hold what was deployed; this holds what is true now.
CREATE TABLE configurations (
    key GENERATED_KEY,
    account TEXT NOT NULL,
    environment TEXT NOT NULL,
    configuration_type TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    activated BIGINT NOT NULL CHECK (activated IN (0, 1)),
    archived BIGINT NOT NULL CHECK (archived IN (0, 1)),
    max_active_runs BIGINT NOT NULL,
    watched TEXT,
    created BIGINT NOT NULL,
    updated BIGINT NOT NULL,
    updated_by TEXT NOT NULL,
    deployed BIGINT NOT NULL,
    activated_since BIGINT NOT NULL,
    -- How many runs hold a slot, and which queued run is the oldest: kept by runs/slots.rs, nowhere else.
    running BIGINT NOT NULL DEFAULT 0 CHECK (running >= 0),
    queue_head BIGINT,
    UNIQUE (account, environment, configuration_type, configuration_id)
);

-- The configurations that may start a run now, the longest waiting first: what claim looks at, and all it looks at.
CREATE INDEX configurations_ready ON configurations (queue_head)
    WHERE queue_head IS NOT NULL AND running < max_active_runs AND activated = 1 AND archived = 0;

-- One storage-to-tables operation per bucket and prefix.
CREATE UNIQUE INDEX configurations_watched ON configurations (watched)
    WHERE watched IS NOT NULL AND configuration_type = 'storage-to-tables' AND archived = 0;

CREATE TABLE versions (
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    version BIGINT NOT NULL,
    document TEXT NOT NULL,
    context TEXT,
    deployed BIGINT NOT NULL,
    deployed_by TEXT NOT NULL,
    PRIMARY KEY (configuration, version)
);

CREATE TABLE version_files (
    configuration BIGINT NOT NULL,
    version BIGINT NOT NULL,
    path TEXT NOT NULL,
    content BYTES NOT NULL,
    PRIMARY KEY (configuration, version, path),
    FOREIGN KEY (configuration, version) REFERENCES versions (configuration, version)
);

-- Runs. The identity is repeated from the configuration (it never changes) so that listings need one index and no join.
-- `phase` is what the machinery goes by; `status` and `sub_status` are what people see and may set.
CREATE TABLE runs (
    sequence GENERATED_KEY,
    run_id TEXT NOT NULL UNIQUE,
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    account TEXT NOT NULL,
    environment TEXT NOT NULL,
    configuration_type TEXT NOT NULL,
    configuration_id TEXT NOT NULL,
    version BIGINT NOT NULL,
    job_id TEXT NOT NULL,
    phase TEXT NOT NULL CHECK (phase IN ('queued', 'running', 'ended')),
    status TEXT NOT NULL,
    sub_status TEXT NOT NULL,
    execution_date TEXT NOT NULL,
    created BIGINT NOT NULL,
    started BIGINT NOT NULL,
    ended BIGINT,
    updated BIGINT NOT NULL,
    launched TEXT NOT NULL,
    parameters TEXT NOT NULL,
    tasks TEXT,
    input TEXT NOT NULL,
    progress TEXT NOT NULL DEFAULT 'null',
    error TEXT,
    reason TEXT,
    worker TEXT,
    fence BIGINT NOT NULL DEFAULT 0,
    lease_until BIGINT,
    cancel_requested BIGINT NOT NULL DEFAULT 0 CHECK (cancel_requested IN (0, 1)),
    FOREIGN KEY (configuration, version) REFERENCES versions (configuration, version)
);

CREATE INDEX runs_queued ON runs (configuration, sequence) WHERE phase = 'queued';
CREATE INDEX runs_running ON runs (configuration) WHERE phase = 'running';
CREATE INDEX runs_leased ON runs (lease_until) WHERE phase = 'running';
-- Listings, newest start first, for every combination of filters that the API has.
CREATE INDEX runs_of_configuration ON runs (configuration, started, sequence);
CREATE INDEX runs_of_configuration_by_status ON runs (configuration, status, started, sequence);
CREATE INDEX runs_of_job ON runs (job_id, started, sequence);
CREATE INDEX runs_of_account ON runs (account, started, sequence);
CREATE INDEX runs_of_account_by_type ON runs (account, configuration_type, started, sequence);
CREATE INDEX runs_of_account_by_status ON runs (account, configuration_type, status, started, sequence);
CREATE INDEX runs_by_start ON runs (started, sequence);

-- How many runs there are of each outcome, kept with every change, so that metrics never count runs.
CREATE TABLE run_counts (
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    status TEXT NOT NULL,
    sub_status TEXT NOT NULL,
    runs BIGINT NOT NULL,
    PRIMARY KEY (configuration, status, sub_status)
);

CREATE TABLE tasks (
    run BIGINT NOT NULL REFERENCES runs (sequence),
    task_id TEXT NOT NULL,
    task_type TEXT NOT NULL,
    status TEXT NOT NULL,
    criticality TEXT NOT NULL,
    attempt BIGINT NOT NULL DEFAULT 0,
    position BIGINT NOT NULL,
    started BIGINT,
    ended BIGINT,
    statistics TEXT NOT NULL DEFAULT 'null',
    statement TEXT,
    error TEXT,
    PRIMARY KEY (run, task_id)
);

CREATE TABLE log_lines (
    line GENERATED_KEY,
    run BIGINT NOT NULL REFERENCES runs (sequence),
    logged BIGINT NOT NULL,
    level TEXT NOT NULL,
    task_id TEXT,
    message TEXT NOT NULL
);

CREATE INDEX log_lines_of_run ON log_lines (run, line);

-- Warehouse jobs, recorded before they are submitted, so that a statement that was started can be stopped.
CREATE TABLE statements (
    run BIGINT NOT NULL REFERENCES runs (sequence),
    job_id TEXT NOT NULL,
    task_id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    recorded BIGINT NOT NULL,
    PRIMARY KEY (run, job_id)
);

CREATE TABLE workflows (
    configuration BIGINT PRIMARY KEY REFERENCES configurations (key),
    generation BIGINT NOT NULL,
    last_reset BIGINT
);

CREATE TABLE workflow_awaited (
    configuration BIGINT NOT NULL REFERENCES workflows (configuration),
    job_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    since BIGINT NOT NULL,
    PRIMARY KEY (configuration, job_id)
);

CREATE INDEX workflow_awaited_job ON workflow_awaited (job_id);

CREATE TABLE workflow_arrivals (
    configuration BIGINT NOT NULL REFERENCES workflows (configuration),
    job_id TEXT NOT NULL,
    run_id TEXT NOT NULL,
    arrived BIGINT NOT NULL,
    PRIMARY KEY (configuration, job_id)
);

-- The guards. Their run ids are no foreign keys: a decision writes its guard first, then the run that it allows.

CREATE TABLE firings (
    configuration BIGINT NOT NULL REFERENCES workflows (configuration),
    generation BIGINT NOT NULL,
    run_id TEXT NOT NULL,
    fired BIGINT NOT NULL,
    triggered_by TEXT NOT NULL,
    PRIMARY KEY (configuration, generation)
);

CREATE TABLE ticks (
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    kind TEXT NOT NULL,
    tick BIGINT NOT NULL,
    run_id TEXT,
    recorded BIGINT NOT NULL,
    PRIMARY KEY (configuration, kind, tick)
);

CREATE TABLE files (
    configuration BIGINT NOT NULL REFERENCES configurations (key),
    location TEXT NOT NULL,
    version TEXT NOT NULL,
    run_id TEXT NOT NULL,
    taken BIGINT NOT NULL,
    PRIMARY KEY (configuration, location, version)
);

CREATE TABLE idempotency (
    account TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    body_hash TEXT NOT NULL,
    run_id TEXT NOT NULL,
    recorded BIGINT NOT NULL,
    PRIMARY KEY (account, idempotency_key)
);

CREATE INDEX idempotency_recorded ON idempotency (recorded);

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    account TEXT NOT NULL,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    revoked BIGINT,
    created_by TEXT NOT NULL
);

CREATE TABLE service_accounts (
    email TEXT NOT NULL,
    account TEXT NOT NULL,
    -- '' when the key has no id: NULL would never equal itself in the key.
    key_id TEXT NOT NULL,
    public_key_pem TEXT NOT NULL,
    role TEXT NOT NULL,
    created BIGINT NOT NULL,
    PRIMARY KEY (email, account, key_id)
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
