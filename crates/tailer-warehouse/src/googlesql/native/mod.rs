//! Functions of GoogleSQL that DuckDB cannot express, written in Rust and registered with every database instance.
//!
//! A function is a name (`gsn_…`), the type it gives and a body over plain values. All are pure and strict: a NULL argument
//! gives NULL before the body is asked, so values that may be NULL and matter travel inside of a STRUCT. What a
//! body refuses fails the query with the marker that [`explain`](super::explain) looks for.
//!
//! DuckDB's vectors become Arrow arrays and back (the `duckdb` crate does that), so nothing here is unsafe. DECIMAL, BIGNUM and
//! INTERVAL do not travel this way: the translator writes them as text.

use duckdb::{
    Connection,
    core::{DataChunkHandle, LogicalTypeHandle, LogicalTypeId},
    vscalar::{ScalarFunctionSignature, VScalar},
    vtab::arrow::{WritableVector, data_chunk_to_arrow, write_arrow_array_to_vector},
};

mod cast_format;
mod civil;
pub(super) mod decimal;
mod elements;
mod encodings;
mod hashes;
pub(super) mod intervals;
mod json;
mod math;
mod normalization;
mod printf;
mod regexps;
mod render;
mod statistics;
mod strings;
mod transcendental;
mod values;

pub(super) use render::describe;
pub(super) use values::Value;

/// What a body answers; the error is a sentence for the user.
pub(super) type Answer = Result<Value, String>;

type Body = fn(&[Value]) -> Answer;

/// The DuckDB type that a function gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gives {
    Bool,
    Int64,
    Float64,
    Text,
    Bytes,
    Texts,
    AllBytes,
    Integers,
}

/// A function to register.
pub(super) type Native = (&'static str, Gives, Body);

/// Every function of this module, by family.
fn all() -> impl Iterator<Item = &'static Native> {
    [
        cast_format::FUNCTIONS,
        decimal::FUNCTIONS,
        elements::FUNCTIONS,
        encodings::FUNCTIONS,
        hashes::FUNCTIONS,
        intervals::FUNCTIONS,
        json::ACCESS,
        json::CHANGE,
        json::CONVERT,
        math::FUNCTIONS,
        normalization::FUNCTIONS,
        printf::FUNCTIONS,
        regexps::FUNCTIONS,
        statistics::FUNCTIONS,
        strings::FUNCTIONS,
    ]
    .into_iter()
    .flatten()
}

/// Registers all functions with a database instance.
///
/// # Errors
/// DuckDB's, when it takes a function for ill-formed.
pub(super) fn register(connection: &Connection) -> duckdb::Result<()> {
    for (name, gives, body) in all() {
        match gives {
            Gives::Bool => connection.register_scalar_function_with_state::<Scalar<0>>(name, body),
            Gives::Int64 => connection.register_scalar_function_with_state::<Scalar<1>>(name, body),
            Gives::Float64 => connection.register_scalar_function_with_state::<Scalar<2>>(name, body),
            Gives::Text => connection.register_scalar_function_with_state::<Scalar<3>>(name, body),
            Gives::Bytes => connection.register_scalar_function_with_state::<Scalar<4>>(name, body),
            Gives::Texts => connection.register_scalar_function_with_state::<Scalar<5>>(name, body),
            Gives::AllBytes => connection.register_scalar_function_with_state::<Scalar<6>>(name, body),
            Gives::Integers => connection.register_scalar_function_with_state::<Scalar<7>>(name, body),
        }?;
    }
    Ok(())
}

/// The signature is a property of the type, hence one type for each of [`Gives`], by its place.
#[derive(Debug)]
struct Scalar<const GIVES: usize>;

const ORDER: [Gives; 8] = [
    Gives::Bool,
    Gives::Int64,
    Gives::Float64,
    Gives::Text,
    Gives::Bytes,
    Gives::Texts,
    Gives::AllBytes,
    Gives::Integers,
];

impl<const GIVES: usize> Scalar<GIVES> {
    fn gives() -> Gives {
        ORDER.get(GIVES).copied().unwrap_or(Gives::Text)
    }
}

impl<const GIVES: usize> VScalar for Scalar<GIVES> {
    type State = Body;

    fn invoke(
        body: &Body,
        input: &mut DataChunkHandle,
        output: &mut dyn WritableVector,
    ) -> Result<(), Box<dyn std::error::Error>> {
        let rows = input.len();
        let batch = data_chunk_to_arrow(input)?;
        let mut answers = Vec::with_capacity(rows);
        let mut args = Vec::with_capacity(batch.num_columns());
        for row in 0..rows {
            args.clear();
            for column in batch.columns() {
                args.push(Value::read(column.as_ref(), row)?);
            }
            let missing = args.iter().any(|arg| matches!(arg, Value::Null));
            answers.push(if missing { Value::Null } else { body(&args).map_err(|message| marked(&message))? });
        }
        write_arrow_array_to_vector(&values::collect(&answers, Self::gives())?, output)
    }

    fn signatures() -> Vec<ScalarFunctionSignature> {
        use LogicalTypeId as Id;
        let plain = |id| LogicalTypeHandle::from(id);
        let gives = match Self::gives() {
            Gives::Bool => plain(Id::Boolean),
            Gives::Int64 => plain(Id::Bigint),
            Gives::Float64 => plain(Id::Double),
            Gives::Text => plain(Id::Varchar),
            Gives::Bytes => plain(Id::Blob),
            Gives::Texts => LogicalTypeHandle::list(&plain(Id::Varchar)),
            Gives::AllBytes => LogicalTypeHandle::list(&plain(Id::Blob)),
            Gives::Integers => LogicalTypeHandle::list(&plain(Id::Bigint)),
        };
        vec![ScalarFunctionSignature::variadic(plain(Id::Any), gives)]
    }
}

/// A message behind the marker, without the quotes that would end it.
fn marked(message: &str) -> String {
    format!("googlesql: {}", message.replace(['\'', '"'], "`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_errors_and_lambdas() {
        let connection = Connection::open_in_memory().unwrap();
        register(&connection).unwrap();
        let text = |sql: &str| connection.query_row(sql, [], |row| row.get::<_, Option<String>>(0));
        let big = "CAST('100000000000000000000000000000000000000' AS BIGNUM)";
        assert_eq!(text(&format!("SELECT gsn_bignumeric_text(CAST({big} AS VARCHAR))")).unwrap().unwrap(), "1");
        assert_eq!(text("SELECT gsn_bignumeric_text(CAST(NULL AS VARCHAR))").unwrap(), None);
        assert_eq!(text("SELECT gsn_bignumeric_text(x) FROM (VALUES (NULL::VARCHAR)) t(x)").unwrap(), None);
        assert_eq!(text("SELECT TRY(gsn_bignumeric(x)) FROM (VALUES ('x')) t(x)").unwrap(), None);
        let failed = text("SELECT gsn_bignumeric(x) FROM (VALUES ('it''s')) t(x)").unwrap_err().to_string();
        assert_eq!(super::super::explain(&failed), Some("invalid BIGNUMERIC value: it`s"), "{failed}");
        let listed = "SELECT list_transform(['1', '2'], lambda x: gsn_bignumeric_text(gsn_bignumeric(x)))::VARCHAR";
        assert_eq!(text(listed).unwrap().unwrap(), "[1, 2]");
    }
}
