//! Loads and exports beside DuckDB's own COPY and INSERT, in the same run, with the same threads, into and from the same
//! kind of table (`make bench`). The ratio says what the rules of BigQuery cost; one is as fast as DuckDB alone.
//!
//! `TAILERD_BENCH_MB` sets the size of the CSV file (1000), `TAILERD_BENCH_THREADS` the threads (all cores),
//! `TAILERD_BENCH_ROUNDS` how often each is measured (3: the best counts).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, clippy::print_stderr)]

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use duckdb::Connection;
use tailer_model::operation::{
    ddl::{Field, FieldType, Mode},
    storage_to_tables::{LoadOptions, SourceFormat},
    table_to_storage::{Compression, DestinationFormat},
};
use tailer_warehouse::{
    EmbeddedWarehouse, Export, Job, Load, LoadSchema, Query, TableName, Warehouse, WarehouseJobId,
    embedded::EmbeddedSettings,
};

/// The bench's table: what DuckDB calls the columns, and what they hold.
const COLUMNS: [(&str, FieldType, &str, &str); 8] = [
    ("invoice", FieldType::String, "VARCHAR", "'INV-' || lpad((i * 7919 % 100000000)::VARCHAR, 10, '0')"),
    ("sold_on", FieldType::Date, "DATE", "DATE '2020-01-01' + (i % 1500)::INTEGER"),
    ("store", FieldType::Int64, "BIGINT", "i * 31 % 5000"),
    ("item", FieldType::String, "VARCHAR", "'item number ' || (i * 17 % 20000)::VARCHAR"),
    ("bottles", FieldType::Int64, "BIGINT", "i % 48 + 1"),
    ("amount", FieldType::Numeric, "DECIMAL(38,9)", "((i * 37 % 1000000)::DECIMAL(18,2) / 100)::DECIMAL(18,2)"),
    ("liters", FieldType::Float64, "DOUBLE", "(i % 10000) / 16.0"),
    ("sold_at", FieldType::DateTime, "TIMESTAMP", "TIMESTAMP '2020-01-01 00:00:00' + INTERVAL (i % 86400000) SECOND"),
];

struct Bench {
    folder: PathBuf,
    megabytes: u64,
    threads: u32,
    rounds: u32,
    jobs: std::cell::Cell<u32>,
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name)
        .map_or(default, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}

fn main() {
    // `cargo test --benches` compiles and calls this too: nothing to test here.
    if !std::env::args().any(|arg| arg == "--bench") {
        return;
    }
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
    let cores = std::thread::available_parallelism().unwrap().get() as u64;
    let bench = Bench {
        folder: folder.path().to_owned(),
        megabytes: setting("TAILERD_BENCH_MB", 1000),
        threads: u32::try_from(setting("TAILERD_BENCH_THREADS", cores)).unwrap(),
        rounds: u32::try_from(setting("TAILERD_BENCH_ROUNDS", 3)).unwrap(),
        jobs: std::cell::Cell::new(0),
    };
    tokio::runtime::Runtime::new().unwrap().block_on(bench.measure());
}

/// What was measured of one kind of file.
struct Row {
    name: &'static str,
    bytes: u64,
    ours: Duration,
    duckdb: Duration,
}

impl Bench {
    async fn measure(&self) {
        let (csv, parquet) = self.make_files();
        let mut rows = Vec::new();
        rows.push(self.load("CSV load", SourceFormat::Csv, &csv, "read_csv").await);
        rows.push(self.load("Parquet load", SourceFormat::Parquet, &parquet, "read_parquet").await);
        for (name, format, copy) in [
            ("CSV export", DestinationFormat::Csv, "FORMAT csv, HEADER, DELIMITER '|'"),
            ("JSON export", DestinationFormat::NewlineDelimitedJson, "FORMAT json"),
            ("Parquet export", DestinationFormat::Parquet, "FORMAT parquet, COMPRESSION snappy"),
        ] {
            rows.push(self.export(name, format, copy, &parquet).await);
        }
        println!("| {} threads, best of {} | size | tailerd | DuckDB | ratio |", self.threads, self.rounds);
        println!("| --- | ---: | ---: | ---: | ---: |");
        for Row { name, bytes, ours, duckdb } in rows {
            let rate = |time: Duration| bytes as f64 / 1e6 / time.as_secs_f64();
            println!(
                "| {name} | {:.0} MB | {:.0} MB/s | {:.0} MB/s | {:.2} |",
                bytes as f64 / 1e6,
                rate(ours),
                rate(duckdb),
                duckdb.as_secs_f64() / ours.as_secs_f64()
            );
        }
    }

    /// A CSV file of about the wanted size, and its rows as Parquet.
    fn make_files(&self) -> (PathBuf, PathBuf) {
        let (csv, parquet) = (self.folder.join("sales.csv"), self.folder.join("sales.parquet"));
        let connection = self.duckdb("make.duckdb");
        let values: Vec<_> = COLUMNS.iter().map(|(name, _, _, value)| format!("{value} AS {name}")).collect();
        // A row is about this long.
        let rows = self.megabytes * 1_000_000 / 95;
        let query = format!("SELECT {} FROM range({rows}) AS r(i)", values.join(", "));
        run(&connection, &format!("COPY ({query}) TO '{}' (FORMAT csv, HEADER, DELIMITER '|')", csv.display()));
        run(&connection, &format!("COPY ({query}) TO '{}' (FORMAT parquet)", parquet.display()));
        (csv, parquet)
    }

    async fn load(&self, name: &'static str, format: SourceFormat, file: &Path, reader: &str) -> Row {
        // DuckDB reads wide decimals from text very slowly: the comparison is with what it is good at.
        let best = |duckdb: &str| match format {
            SourceFormat::Csv => duckdb.replace("DECIMAL(38,9)", "DECIMAL(18,2)"),
            _ => duckdb.to_owned(),
        };
        let columns: Vec<_> = COLUMNS.iter().map(|(name, _, duckdb, _)| format!("{name} {}", best(duckdb))).collect();
        let types: Vec<_> = COLUMNS.iter().map(|(name, _, duckdb, _)| format!("{name}: '{}'", best(duckdb))).collect();
        let options = match format {
            SourceFormat::Csv => {
                format!(", delim = '|', header = true, auto_detect = false, columns = {{{}}}", types.join(", "))
            }
            _ => String::new(),
        };
        let insert = format!("INSERT INTO t SELECT * FROM {reader}('{}'{options})", file.display());
        let (mut ours, mut duckdb) = (Duration::MAX, Duration::MAX);
        for _ in 0..self.rounds {
            let connection = self.duckdb("load.duckdb");
            run(&connection, &format!("CREATE TABLE t ({})", columns.join(", ")));
            duckdb = duckdb.min(timed(|| run(&connection, &insert)));
            drop(connection);
            let warehouse = self.warehouse();
            let job = Load {
                files: vec![file.to_owned()],
                objects: Vec::new(),
                table: table("loaded"),
                schema: LoadSchema::Given(schema()),
                description: None,
                options: LoadOptions { source_format: format, ..LoadOptions::default() },
                added_columns: Vec::new(),
            };
            ours = ours.min(self.job(&warehouse, Job::Load(job)).await);
        }
        eprintln!("{name}: {ours:?}, DuckDB {duckdb:?}");
        Row { name, bytes: fs::metadata(file).unwrap().len(), ours, duckdb }
    }

    async fn export(&self, name: &'static str, format: DestinationFormat, copy: &str, parquet: &Path) -> Row {
        let (mut ours, mut duckdb) = (Duration::MAX, Duration::MAX);
        let connection = self.duckdb("export.duckdb");
        run(&connection, &format!("CREATE TABLE t AS SELECT * FROM '{}'", parquet.display()));
        let warehouse = self.warehouse();
        let load = Load {
            files: vec![parquet.to_owned()],
            objects: Vec::new(),
            table: table("exported"),
            schema: LoadSchema::Given(schema()),
            description: None,
            options: LoadOptions { source_format: SourceFormat::Parquet, ..LoadOptions::default() },
            added_columns: Vec::new(),
        };
        self.job(&warehouse, Job::Load(load)).await;
        let mut bytes = 0;
        for _ in 0..self.rounds {
            let to = self.folder.join("copied");
            duckdb = duckdb.min(timed(|| run(&connection, &format!("COPY t TO '{}' ({copy})", to.display()))));
            fs::remove_file(&to).unwrap();
            let folder = self.folder.join("out");
            let job = Export {
                query: Query {
                    sql: "SELECT * FROM d.exported".to_owned(),
                    project: "bench".to_owned(),
                    dataset: None,
                    destination: None,
                    use_cache: None,
                },
                folder: folder.clone(),
                bucket_folder: None,
                file_name: "out".to_owned(),
                format,
                compression: match format {
                    DestinationFormat::Parquet => Compression::Snappy,
                    _ => Compression::None,
                },
                print_header: true,
                field_delimiter: "|".to_owned(),
            };
            ours = ours.min(self.job(&warehouse, Job::Export(job)).await);
            bytes = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
            fs::remove_dir_all(&folder).unwrap();
        }
        eprintln!("{name}: {ours:?}, DuckDB {duckdb:?}");
        Row { name, bytes, ours, duckdb }
    }

    /// DuckDB as it is, over a fresh file with the same settings.
    fn duckdb(&self, file: &str) -> Connection {
        let path = self.folder.join(file);
        for path in [path.clone(), path.with_added_extension("wal")] {
            let _ = fs::remove_file(path);
        }
        let connection = Connection::open(path).unwrap();
        run(&connection, &format!("SET threads = {}", self.threads));
        run(&connection, "SET TimeZone = 'UTC'");
        connection
    }

    /// An empty warehouse.
    fn warehouse(&self) -> EmbeddedWarehouse {
        let number = self.jobs.replace(self.jobs.get() + 1);
        let before = self.folder.join(format!("warehouse-{}", number.saturating_sub(1)));
        let _ = fs::remove_dir_all(before);
        let settings = EmbeddedSettings { threads: Some(self.threads), ..EmbeddedSettings::default() };
        EmbeddedWarehouse::open(self.folder.join(format!("warehouse-{number}")), settings).unwrap()
    }

    async fn job(&self, warehouse: &EmbeddedWarehouse, job: Job) -> Duration {
        let id = WarehouseJobId(format!("job-{}", self.jobs.replace(self.jobs.get() + 1)));
        let started = Instant::now();
        warehouse.submit(&id, job).await.unwrap();
        warehouse.wait(&id).await.unwrap();
        started.elapsed()
    }
}

fn run(connection: &Connection, sql: &str) {
    connection.execute_batch(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

fn timed(work: impl FnOnce()) -> Duration {
    let started = Instant::now();
    work();
    started.elapsed()
}

fn table(name: &str) -> TableName {
    TableName::new("bench", "d", name).unwrap()
}

fn schema() -> Vec<Field> {
    let field = |(name, field_type, _, _): (&str, FieldType, &str, &str)| Field {
        name: name.to_owned(),
        field_type,
        mode: Mode::Nullable,
        description: None,
        fields: Vec::new(),
    };
    COLUMNS.into_iter().map(field).collect()
}
