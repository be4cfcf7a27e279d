//! Avro object container files, with their logical types, read block by block.

use std::{
    collections::VecDeque,
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow_avro::reader::{Reader, ReaderBuilder};
use duckdb::arrow::{
    array::{Array, ArrayRef, AsArray, Decimal128Array, ListArray, MapArray, RecordBatch, StructArray},
    compute::cast,
    datatypes::{DataType, Decimal256Type, Field, Fields, Schema, SchemaRef},
    error::ArrowError,
};
use parking_lot::Mutex;

use super::{
    Loaded, columnar,
    feed::{Feed, Rows, VECTOR},
    input,
};
use crate::{
    Load, WarehouseError,
    embedded::{
        errors::{invalid, unsupported},
        session::Session,
    },
};

pub(crate) fn load(session: &Session<'_>, load: &Load) -> Result<Loaded, WarehouseError> {
    let Some((first, others)) = load.files.split_first() else {
        return Err(invalid("there is no file to load"));
    };
    let reader = Container::open(first)?;
    let schema = Arc::new(readable_schema(&reader.reader.schema(), &reader.name)?);
    let files = AvroRows {
        schema,
        state: Mutex::new(State { current: Some(reader), waiting: others.iter().cloned().collect() }),
    };
    let feed = Feed::new(Arc::new(files));
    let loaded = columnar::load(session, load, &|selected| feed.query(selected), &[]);
    loaded.map_err(|error| feed.failure().unwrap_or(error))
}

struct AvroRows {
    schema: SchemaRef,
    state: Mutex<State>,
}

struct State {
    current: Option<Container>,
    waiting: VecDeque<PathBuf>,
}

/// One open file.
struct Container {
    reader: Reader<BufReader<File>>,
    name: String,
    rows: usize,
}

impl Container {
    fn open(path: &Path) -> Result<Self, WarehouseError> {
        let name = input::file_name(path);
        let unreadable = |error: std::io::Error| input::unreadable(&name, &error);
        if input::is_gzip(path).map_err(unreadable)? {
            return Err(unsupported(format!("{name}: an Avro file inside gzip")));
        }
        let file = BufReader::with_capacity(1 << 18, File::open(path).map_err(unreadable)?);
        let reader =
            ReaderBuilder::new().with_batch_size(VECTOR).build(file).map_err(|error| damaged(&name, 0, &error))?;
        Ok(Self { reader, name, rows: 0 })
    }
}

fn damaged(name: &str, rows: usize, error: &ArrowError) -> WarehouseError {
    let behind = if rows == 0 { String::new() } else { format!(" behind record {rows}") };
    invalid(format!("{name}: the Avro data cannot be read{behind}: {error}"))
}

impl Rows for AvroRows {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn next(&self) -> Result<Option<RecordBatch>, WarehouseError> {
        let mut state = self.state.lock();
        loop {
            let Some(open) = &mut state.current else {
                let Some(path) = state.waiting.pop_front() else { return Ok(None) };
                let open = Container::open(&path)?;
                if readable_schema(&open.reader.schema(), &open.name)? != *self.schema {
                    return Err(invalid(format!("{}: its schema is not that of the first file", open.name)));
                }
                state.current = Some(open);
                continue;
            };
            let (name, before) = (open.name.clone(), open.rows);
            match open.reader.next() {
                None => state.current = None,
                Some(Err(error)) => return Err(damaged(&name, before, &error)),
                Some(Ok(batch)) => {
                    open.rows += batch.num_rows();
                    // Converting is the larger part, and can be done side by side.
                    drop(state);
                    return self.readable(&batch).map(Some).map_err(|error| damaged(&name, before, &error));
                }
            }
        }
    }
}

impl AvroRows {
    fn readable(&self, batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
        let arrays = batch.columns().iter().map(readable).collect::<Result<Vec<_>, _>>()?;
        RecordBatch::try_new(Arc::clone(&self.schema), arrays)
    }
}

/// The schema that DuckDB gets: enums are text, decimals have at most 38 digits.
fn readable_schema(schema: &Schema, name: &str) -> Result<Schema, WarehouseError> {
    let fields = schema.fields().iter().map(|field| readable_field(field, name)).collect::<Result<Fields, _>>()?;
    Ok(Schema::new(fields))
}

fn readable_field(field: &Field, name: &str) -> Result<Field, WarehouseError> {
    let inner = |inner: &Arc<Field>| readable_field(inner, name).map(Arc::new);
    let data_type = match field.data_type() {
        DataType::Dictionary(_, values) => values.as_ref().clone(),
        DataType::Decimal256(_, _) => DataType::Decimal128(38, 18),
        DataType::Union(_, _) => {
            return Err(unsupported(format!(
                "{name}: field `{}` is an Avro union of several types (one type and null is possible)",
                field.name()
            )));
        }
        DataType::List(element) => DataType::List(inner(element)?),
        DataType::Map(entries, sorted) => DataType::Map(inner(entries)?, *sorted),
        DataType::Struct(members) => DataType::Struct(members.iter().map(inner).collect::<Result<_, _>>()?),
        other => other.clone(),
    };
    Ok(Field::new(field.name(), data_type, field.is_nullable()))
}

fn readable(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        DataType::Dictionary(_, values) => cast(array, values)?,
        DataType::Decimal256(_, scale) => Arc::new(narrowed(array, *scale)?),
        DataType::List(element) => {
            let list = array.as_list::<i32>();
            let values = readable(list.values())?;
            let element = Arc::new(Field::new(element.name(), values.data_type().clone(), element.is_nullable()));
            Arc::new(ListArray::try_new(element, list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Struct(_) => Arc::new(readable_struct(array.as_struct())?),
        DataType::Map(entries, sorted) => {
            let map = array.as_map();
            let pairs = readable_struct(map.entries())?;
            let entries = Arc::new(Field::new(entries.name(), pairs.data_type().clone(), entries.is_nullable()));
            Arc::new(MapArray::try_new(entries, map.offsets().clone(), pairs, map.nulls().cloned(), *sorted)?)
        }
        _ => Arc::clone(array),
    })
}

fn readable_struct(array: &StructArray) -> Result<StructArray, ArrowError> {
    let members = array.columns().iter().map(readable).collect::<Result<Vec<_>, _>>()?;
    let fields = array.fields().iter().zip(&members);
    let fields =
        fields.map(|(field, member)| Field::new(field.name(), member.data_type().clone(), field.is_nullable()));
    StructArray::try_new(fields.collect(), members, array.nulls().cloned())
}

/// Decimals that may have up to 76 digits, as the embedded BIGNUMERIC. What does not fit is an error.
fn narrowed(array: &ArrayRef, scale: i8) -> Result<Decimal128Array, ArrowError> {
    let wide = array.as_primitive::<Decimal256Type>();
    let fit = |value: duckdb::arrow::datatypes::i256| {
        let ten = duckdb::arrow::datatypes::i256::from_i128(10);
        let shift = i32::from(18 - scale);
        let power = ten.checked_pow(shift.unsigned_abs())?;
        let scaled = if shift >= 0 {
            value.checked_mul(power)?
        } else {
            let whole = value.checked_div(power)?;
            (whole.checked_mul(power)? == value).then_some(whole)?
        };
        scaled.to_i128().filter(|value| value.unsigned_abs() < 10_u128.pow(38))
    };
    let too_long = || ArrowError::InvalidArgumentError("a decimal has more digits than the embedded BIGNUMERIC".into());
    let values = wide.iter().map(|value| value.map(|value| fit(value).ok_or_else(too_long)).transpose());
    values.collect::<Result<Decimal128Array, _>>()?.with_precision_and_scale(38, 18)
}
