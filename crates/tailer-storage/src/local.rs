//! A bucket as a folder of this machine.

// CONTRACT (helper storage):
// impl LocalStorage {
//   /// `root`: the folder that is the bucket, created when missing. `display`: prefix of its locations such as `gs://bucket`.
//   pub fn open(root: PathBuf, display: String) -> Result<Self, StorageError>
// }
#[derive(Debug)]
pub struct LocalStorage {}
