//! Makes libduckdb.so findable: by the linker without `DUCKDB_LIB_DIR` once `make` has put it in place, and at run time
//! beside whatever cargo builds. With the `bundled` feature DuckDB is linked in and there is nothing to find.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

const LIBRARY: &str = "libduckdb.so";
/// The folder that `scripts/libduckdb.sh` fills.
const PUT_IN_PLACE: &str = "tailerd/libduckdb-1.5.6-r.1";

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=DUCKDB_LIB_DIR");
    println!("cargo:rerun-if-env-changed=XDG_CACHE_HOME");
    if env::var_os("CARGO_FEATURE_BUNDLED").is_some() {
        return;
    }
    let Some(folder) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from).or_else(put_in_place) else { return };
    let library = folder.join(LIBRARY);
    if !library.is_file() {
        println!("cargo:warning={} is missing: `make libduckdb` puts it in place", library.display());
        return;
    }
    println!("cargo:rerun-if-changed={}", library.display());
    println!("cargo:rustc-link-search=native={}", folder.display());
    if let Err(error) = stage(&library) {
        println!("cargo:warning={LIBRARY} could not be staged: {error}");
    }
}

fn put_in_place() -> Option<PathBuf> {
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(cache.join(PUT_IN_PLACE))
}

/// Copies the library into the profile's folder, where the binary looks (`$ORIGIN`), and its `deps`, where cargo lets
/// tests look. By rename, because a test may have it loaded.
fn stage(library: &Path) -> io::Result<()> {
    let out = PathBuf::from(env::var_os("OUT_DIR").unwrap_or_default());
    // <target>/<profile>/build/<package>-<hash>/out
    let profile = out.ancestors().nth(3).ok_or_else(|| io::Error::other("OUT_DIR has an unknown layout"))?;
    let staged = profile.join(LIBRARY);
    let partial = profile.join(format!("{LIBRARY}.{}", std::process::id()));
    fs::copy(library, &partial)?;
    fs::rename(&partial, &staged)?;
    let linked = profile.join("deps").join(LIBRARY);
    match fs::remove_file(&linked) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::hard_link(&staged, &linked)
}
