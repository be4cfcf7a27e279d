-- Who changed what, written in the transaction of the change. `account` is '' for what belongs to no account: NULL would never
-- equal itself. `operation` is the data operation that the change concerns, as `environment/configuration_type/configuration_id`,
-- '' when there is none; `target` is the thing itself, an operation, a run, a user. `access` tells changes of who may do what.
CREATE TABLE audit (
    sequence GENERATED_KEY,
    recorded BIGINT NOT NULL,
    who TEXT NOT NULL,
    via TEXT NOT NULL,
    account TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    operation TEXT NOT NULL,
    access BIGINT NOT NULL CHECK (access IN (0, 1)),
    before TEXT,
    after TEXT
);

-- Listings, newest first. Each index holds every entry, for its condition is always true; a listing that states one of these conditions
-- says with it which index it means, where a planner without statistics guesses. The action stands in two more of them, so that
-- it is filtered without reading the entries.
CREATE INDEX audit_by_time ON audit (recorded, sequence);
CREATE INDEX audit_of_account ON audit (account, recorded, sequence) WHERE via <> '';
CREATE INDEX audit_by_action ON audit (account, action, recorded, sequence) WHERE action <> '';
CREATE INDEX audit_by_who ON audit (account, who, recorded, sequence, action) WHERE who <> '';
CREATE INDEX audit_of_target ON audit (account, target, recorded, sequence, action) WHERE target <> '';
-- But for what concerns no operation.
CREATE INDEX audit_of_operation ON audit (account, operation, recorded, sequence, action) WHERE operation <> '';
