-- People also sign in through an OIDC issuer: a third kind of session, with what the issuer said of them.
CREATE TABLE sessions_of_three_kinds (
    id_hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'token', 'oidc')),
    subject TEXT NOT NULL,
    claims TEXT,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

INSERT INTO sessions_of_three_kinds (id_hash, kind, subject, created, seen, expires)
SELECT id_hash, kind, subject, created, seen, expires FROM sessions;

DROP TABLE sessions;

ALTER TABLE sessions_of_three_kinds RENAME TO sessions;

CREATE INDEX sessions_of_subject ON sessions (kind, subject);
CREATE INDEX sessions_expire ON sessions (expires);
