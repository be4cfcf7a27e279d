//! Files loaded into tables.

use std::io::Write as _;

use tailer_model::operation::{
    WriteDisposition::{Append, Empty, Truncate},
    storage_to_tables::{LoadOptions, SourceFormat},
    table_to_storage::{Compression, DestinationFormat},
};
use tailer_warehouse::{Job, Load, LoadSchema, Outcome, WarehouseError};

use crate::{
    Place,
    common::{fields, load_options},
    exports,
};

const COLUMNS: [&str; 2] = ["id INT64", "name STRING"];

/// Loads one file into `t`.
async fn loaded(place: &Place, content: impl AsRef<[u8]>, options: LoadOptions) -> Result<Outcome, WarehouseError> {
    let file = place.file("sales.csv", content);
    place.run(Job::Load(Load { options, ..place.load(vec![file], &COLUMNS) })).await
}

async fn rows(place: &Place) -> Vec<String> {
    place.rows("SELECT id, name FROM d.t ORDER BY id").await
}

pub async fn csv_files(place: Place) {
    let options = LoadOptions {
        field_delimiter: "\\t".to_owned(),
        quote_character: Some("'".to_owned()),
        null_marker: Some("NA".to_owned()),
        skip_leading_rows: 2,
        ..load_options()
    };
    let outcome = loaded(&place, "made by hand\nid\tname\n1\t'a\tb'\n2\tNA\n3\t\"c\"\n", options).await.unwrap();
    assert_eq!((outcome.statistics.rows, outcome.statistics.rejected_rows), (Some(3), 0));
    assert!(outcome.statistics.bytes.unwrap() > 0);
    assert_eq!(rows(&place).await, [r#"[1,"a\tb"]"#, "[2,null]", r#"[3,"\"c\""]"#]);
}

pub async fn json_files(place: Place) {
    let options = LoadOptions { source_format: SourceFormat::Json, ..load_options() };
    loaded(&place, "{\"id\": \"5\", \"name\": \"e\"}\n{\"id\": 6}\n", options).await.unwrap();
    assert_eq!(rows(&place).await, [r#"[5,"e"]"#, "[6,null]"]);
}

pub async fn columnar_files(place: Place) {
    for (wanted, source_format) in
        [(DestinationFormat::Parquet, SourceFormat::Parquet), (DestinationFormat::Avro, SourceFormat::Avro)]
    {
        let sql = "SELECT 7 AS id, 'f' AS name UNION ALL SELECT 8, NULL ORDER BY id";
        let (_, content) = exports::files(&place, sql, wanted, Compression::None).await.remove(0);
        loaded(&place, content, LoadOptions { source_format, ..load_options() }).await.unwrap();
        assert_eq!(rows(&place).await, [r#"[7,"f"]"#, "[8,null]"]);
    }
}

pub async fn gzip(place: Place) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(b"1,a\n2,b\n").unwrap();
    loaded(&place, packed.finish().unwrap(), load_options()).await.unwrap();
    assert_eq!(rows(&place).await, [r#"[1,"a"]"#, r#"[2,"b"]"#]);
}

pub async fn load_dispositions(place: Place) {
    let with = |write_disposition| LoadOptions { write_disposition, ..load_options() };
    let never = LoadOptions { create_if_needed: false, ..load_options() };
    assert!(matches!(loaded(&place, "1,a\n", never.clone()).await, Err(WarehouseError::NotFound(_))));
    loaded(&place, "1,a\n", with(Empty)).await.unwrap();
    let error = loaded(&place, "2,b\n", with(Empty)).await.unwrap_err();
    assert!(error.to_string().to_lowercase().contains("already exists"), "{error}");
    loaded(&place, "3,c\n", with(Append)).await.unwrap();
    assert_eq!(rows(&place).await, [r#"[1,"a"]"#, r#"[3,"c"]"#]);
    loaded(&place, "4,d\n", LoadOptions { write_disposition: Truncate, ..never }).await.unwrap();
    assert_eq!(rows(&place).await, [r#"[4,"d"]"#]);
}

pub async fn bad_lines(place: Place) {
    loaded(&place, "1,a\n", load_options()).await.unwrap();
    let error = loaded(&place, "4,d\nmany,e\n", load_options()).await.unwrap_err();
    assert!(matches!(&error, WarehouseError::Invalid { message, .. } if message.contains("sales.csv")), "{error:?}");
    assert_eq!(rows(&place).await, [r#"[1,"a"]"#]);
    let options = LoadOptions { max_bad_records: 1, ..load_options() };
    let told = loaded(&place, "4,d\nmany,e\n", options.clone()).await.unwrap().statistics;
    assert_eq!((told.rows, told.rejected_rows), (Some(1), 1));
    assert_eq!(rows(&place).await, [r#"[4,"d"]"#]);
    loaded(&place, "5,d\nmany,e\nmore,f\n", options).await.unwrap_err();
    assert_eq!(rows(&place).await, [r#"[4,"d"]"#]);
}

pub async fn names_of_the_first_line(place: Place) {
    let file = place.file("stores.csv", "\u{feff}Store Number,name\n7,a\n");
    let load = Load { schema: LoadSchema::Header, ..place.load(vec![file], &[]) };
    place.run(Job::Load(load)).await.unwrap();
    assert_eq!(place.rows("SELECT Store_Number, name FROM d.t").await, [r#"["7","a"]"#]);
}

pub async fn added_columns(place: Place) {
    let added = fields(&["at TIMESTAMP", "source STRING"]);
    let added_columns = added.into_iter().zip(["2024-01-31T12:00:00.5Z".to_owned(), "it's".to_owned()]).collect();
    let files = vec![place.file("a.csv", "1,a\n"), place.file("b.csv", "2,b\n")];
    let load = Load { added_columns, ..place.load(files, &COLUMNS) };
    assert_eq!(place.run(Job::Load(load)).await.unwrap().statistics.rows, Some(2));
    assert_eq!(
        place.rows("SELECT id, name, CAST(UNIX_MICROS(at) AS STRING), source FROM d.t ORDER BY id").await,
        [r#"[1,"a","1706702400500000","it's"]"#, r#"[2,"b","1706702400500000","it's"]"#]
    );
    assert_eq!(place.warehouse().tables(place.project, &place.dataset).await.unwrap(), ["t"]);
}

pub async fn descriptions(place: Place) {
    let file = place.file("sales.csv", "1,a\n");
    let columns = ["id INT64 -- Key", "name STRING"];
    let load = Load { description: Some("Sales".to_owned()), ..place.load(vec![file.clone()], &columns) };
    place.run(Job::Load(load)).await.unwrap();
    let check = async |description: &str| {
        let found = place.definition("t").await;
        assert_eq!(found.description.as_deref(), Some(description));
        assert_eq!(found.schema[0].description.as_deref(), Some("Key"));
    };
    check("Sales").await;
    // Replaced by a load that describes the table anew and says nothing of its columns.
    let load = Load { description: Some("All sales".to_owned()), ..place.load(vec![file], &COLUMNS) };
    place.run(Job::Load(load)).await.unwrap();
    check("All sales").await;
}

pub async fn required_columns(place: Place) {
    let file = place.file("sales.csv", "1,a\n,b\n");
    let load = place.load(vec![file], &["id INT64 REQUIRED", "name STRING"]);
    let error = place.run(Job::Load(load)).await.unwrap_err();
    assert!(matches!(error, WarehouseError::Invalid { .. }), "{error:?}");
}

pub async fn unknown_values(place: Place) {
    loaded(&place, "1,a,more\n", load_options()).await.unwrap_err();
    let options = LoadOptions { ignore_unknown_values: true, ..load_options() };
    loaded(&place, "1,a,more\n2,b\n", options).await.unwrap();
    assert_eq!(rows(&place).await, [r#"[1,"a"]"#, r#"[2,"b"]"#]);
}

pub async fn jagged_rows(place: Place) {
    loaded(&place, "1\n2,b\n", load_options()).await.unwrap_err();
    loaded(&place, "1\n2,b\n", LoadOptions { allow_jagged_rows: true, ..load_options() }).await.unwrap();
    assert_eq!(rows(&place).await, ["[1,null]", r#"[2,"b"]"#]);
}

pub async fn quoted_newlines(place: Place) {
    loaded(&place, "1,\"a\nb\"\n", load_options()).await.unwrap_err();
    loaded(&place, "1,\"a\nb\"\n", LoadOptions { allow_quoted_newlines: true, ..load_options() }).await.unwrap();
    assert_eq!(rows(&place).await, [r#"[1,"a\nb"]"#]);
}

pub async fn new_columns(place: Place) {
    let add = |allow_field_addition, columns: &[&str]| {
        let file = place.file("sales.csv", if columns.len() == 1 { "1\n" } else { "2,b\n" });
        let options = LoadOptions { allow_field_addition, write_disposition: Append, ..load_options() };
        Job::Load(Load { options, ..place.load(vec![file], columns) })
    };
    place.run(add(false, &COLUMNS[..1])).await.unwrap();
    place.run(add(false, &COLUMNS)).await.unwrap_err();
    place.run(add(true, &COLUMNS)).await.unwrap();
    assert_eq!(rows(&place).await, ["[1,null]", r#"[2,"b"]"#]);
}
