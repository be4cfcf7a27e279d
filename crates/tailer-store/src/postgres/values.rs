//! Values on their way to PostgreSQL and back, and the texts of statements.

use std::error::Error;

use postgres::types::{IsNull, ToSql, Type, private::BytesMut, to_sql_checked};

use crate::{
    StoreError,
    tx::{Field, Fields, Value},
};

/// `?1` becomes `$1`: a question mark stands in our statements for nothing else. Which index to walk along is left out: PostgreSQL
/// goes by its statistics.
pub(super) fn numbered(sql: &str) -> String {
    let mut parts = sql.split(" INDEXED BY ");
    let mut text = parts.next().unwrap_or_default().replace('?', "$");
    for part in parts {
        let name = part.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(part.len());
        text.push_str(&part.get(name..).unwrap_or_default().replace('?', "$"));
    }
    text
}

pub(super) fn parameters<'a>(params: &'a [Value<'_>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|value| value as &(dyn ToSql + Sync)).collect()
}

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Integer(n) if *ty == Type::INT4 => i32::try_from(*n)?.to_sql(ty, out),
            Self::Integer(n) if *ty == Type::INT8 => n.to_sql(ty, out),
            // PostgreSQL's text cannot hold a NUL; SQLite's can.
            Self::Text(text) if is_text(ty) => text.replace('\0', "\u{fffd}").to_sql(ty, out),
            Self::Bytes(bytes) if *ty == Type::BYTEA => bytes.as_ref().to_sql(ty, out),
            other => Err(format!("{other:?} where the statement wants {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        // Whether a value fits is seen when it is sent.
        true
    }

    to_sql_checked!();
}

fn is_text(ty: &Type) -> bool {
    matches!(*ty, Type::TEXT | Type::VARCHAR | Type::UNKNOWN)
}

impl Fields for postgres::Row {
    fn field(&self, index: usize) -> Result<Field<'_>, StoreError> {
        let corrupt = |message: String| StoreError::Corrupt(message);
        let column = self.columns().get(index).ok_or_else(|| corrupt("there are fewer columns".into()))?;
        let wrong = |error: postgres::Error| corrupt(error.to_string());
        let ty = column.type_();
        let field = if *ty == Type::INT8 {
            self.try_get::<_, Option<i64>>(index).map_err(wrong)?.map(Field::Integer)
        } else if *ty == Type::INT4 {
            self.try_get::<_, Option<i32>>(index).map_err(wrong)?.map(|n| Field::Integer(n.into()))
        } else if *ty == Type::BOOL {
            self.try_get::<_, Option<bool>>(index).map_err(wrong)?.map(|b| Field::Integer(b.into()))
        } else if is_text(ty) {
            self.try_get::<_, Option<&str>>(index).map_err(wrong)?.map(Field::Text)
        } else if *ty == Type::BYTEA {
            self.try_get::<_, Option<&[u8]>>(index).map_err(wrong)?.map(Field::Bytes)
        } else {
            return Err(corrupt(format!("a column of type {ty}")));
        };
        Ok(field.unwrap_or(Field::Null))
    }
}

/// Encryption that checks the server's certificate against the certificates that this machine trusts.
pub(super) fn tls() -> Result<tokio_postgres_rustls::MakeRustlsConnect, StoreError> {
    let mut roots = rustls::RootCertStore::empty();
    let trusted = rustls_native_certs::load_native_certs();
    roots.add_parsable_certificates(trusted.certs);
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| StoreError::Internal(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(tokio_postgres_rustls::MakeRustlsConnect::new(config))
}
