//! The schema, step by step: numbered files in `migrations/`, each applied once, in order, all in one transaction.
//!
//! A migration that has been released never changes; a change of schema is a new file and a new line in [`ALL`]. There is no
//! way back: a database that a newer program wrote is refused, untouched.

use jiff::Timestamp;

use crate::{StoreError, Tx, fills};

/// The words of a migration that databases spell differently.
pub(crate) struct Dialect {
    /// A primary key that the database counts up and never gives twice.
    pub(crate) generated_key: &'static str,
    /// The type of a column of bytes.
    pub(crate) bytes: &'static str,
}

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

const ALL: &[Migration] = &[
    Migration { number: 1, name: "initial", sql: include_str!("../migrations/0001_initial.sql") },
    Migration { number: 2, name: "expectations", sql: include_str!("../migrations/0002_expectations.sql") },
    Migration { number: 3, name: "attempts", sql: include_str!("../migrations/0003_attempts.sql") },
    Migration { number: 4, name: "roaming", sql: include_str!("../migrations/0004_roaming.sql") },
    Migration { number: 5, name: "users", sql: include_str!("../migrations/0005_users.sql") },
    Migration { number: 6, name: "history", sql: include_str!("../migrations/0006_history.sql") },
    Migration { number: 7, name: "task_cancels", sql: include_str!("../migrations/0007_task_cancels.sql") },
    Migration { number: 8, name: "oidc_sessions", sql: include_str!("../migrations/0008_oidc_sessions.sql") },
    Migration { number: 9, name: "audit", sql: include_str!("../migrations/0009_audit.sql") },
    Migration { number: 10, name: "alerts", sql: include_str!("../migrations/0010_alerts.sql") },
    Migration { number: 11, name: "notes", sql: include_str!("../migrations/0011_notes.sql") },
    Migration { number: 12, name: "catalog", sql: include_str!("../migrations/0012_catalog.sql") },
    Migration { number: 13, name: "quality", sql: include_str!("../migrations/0013_quality.sql") },
    Migration { number: 15, name: "runs_listing", sql: include_str!("../migrations/0015_runs_listing.sql") },
];

type Fill = fn(&mut Tx<'_>) -> Result<(), StoreError>;

/// What of a migration SQL that both databases share cannot say, done right after it.
const FILLS: &[(i64, Fill)] = &[(13, fills::quality)];

/// The newest schema that this program knows.
pub(crate) fn newest() -> i64 {
    ALL.last().map_or(0, |m| m.number)
}

/// The number of the last migration applied, 0 for an empty database. `exists` tells whether the table of migrations does:
/// how to ask is the database's own matter.
pub(crate) fn applied(tx: &mut Tx<'_>, exists: bool) -> Result<i64, StoreError> {
    if !exists {
        return Ok(0);
    }
    let found = tx.query_one("SELECT COALESCE(MAX(number), 0) FROM migrations", &[], |row| row.take())?.unwrap_or(0);
    if found > newest() {
        return Err(StoreError::Newer { found, known: newest() });
    }
    Ok(found)
}

/// Applies what is missing. The caller holds the database for writing, so that two programs never apply the same one.
pub(crate) fn migrate(tx: &mut Tx<'_>, dialect: &Dialect, found: i64, at: Timestamp) -> Result<(), StoreError> {
    tx.execute(
        "CREATE TABLE IF NOT EXISTS migrations (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied BIGINT NOT NULL)",
        &[],
    )?;
    for migration in ALL.iter().filter(|m| m.number > found) {
        for statement in statements(migration.sql) {
            let statement = statement.replace("GENERATED_KEY", dialect.generated_key).replace("BYTES", dialect.bytes);
            tx.execute(&statement, &[])?;
        }
        for (_, fill) in FILLS.iter().filter(|(number, _)| *number == migration.number) {
            fill(tx)?;
        }
        tx.execute(
            "INSERT INTO migrations (number, name, applied) VALUES (?1, ?2, ?3)",
            &[migration.number.into(), migration.name.into(), at.into()],
        )?;
        tracing::info!(
            number = migration.number,
            name = migration.name,
            "applied a migration of the metadata database"
        );
    }
    Ok(())
}

/// The statements of a migration, without comments. Comment lines start with `--`; a statement ends where a line ends with `;`.
fn statements(sql: &str) -> Vec<String> {
    let code: String = sql
        .lines()
        .filter(|line| !line.trim_start().starts_with("--"))
        .flat_map(|line| [line.trim_end(), "\n"])
        .collect();
    code.split(";\n").map(|s| s.trim().to_owned()).filter(|s| !s.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_in_order() {
        let numbers: Vec<_> = ALL.iter().map(|m| m.number).collect();
        assert!(numbers.is_sorted_by(|a, b| a < b), "{numbers:?}");
    }

    #[test]
    fn statements_are_split_at_line_ends_and_lose_comments() {
        let sql = "-- one; two;\nCREATE TABLE a (\n    -- why\n    b TEXT\n);\n\nCREATE INDEX c ON a (b);\n";
        assert_eq!(statements(sql), ["CREATE TABLE a (\n    b TEXT\n)", "CREATE INDEX c ON a (b)"]);
    }
}
