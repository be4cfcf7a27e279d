-- People who sign in. A name is kept in lower case; the password as argon2id's PHC string.
CREATE TABLE users (
    name TEXT PRIMARY KEY,
    password TEXT NOT NULL,
    created BIGINT NOT NULL,
    created_by TEXT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE user_roles (
    user_name TEXT NOT NULL REFERENCES users (name),
    account TEXT NOT NULL,
    role TEXT NOT NULL,
    PRIMARY KEY (user_name, account)
);

-- Who is signed in. Only a hash of the id is kept: reading this table lets nobody in. The subject is a user's name or a token's id.
CREATE TABLE sessions (
    id_hash TEXT PRIMARY KEY,
    kind TEXT NOT NULL CHECK (kind IN ('user', 'token')),
    subject TEXT NOT NULL,
    created BIGINT NOT NULL,
    seen BIGINT NOT NULL,
    expires BIGINT NOT NULL
);

CREATE INDEX sessions_of_subject ON sessions (kind, subject);
CREATE INDEX sessions_expire ON sessions (expires);
