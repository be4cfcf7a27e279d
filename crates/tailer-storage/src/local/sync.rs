//! Folder syncs shared by whoever wants one at the same time.
//!
//! Each write ends with a sync of its folder, and one sync serves all renames that came before it began. So while one
//! sync of a folder is under way, those who come wait for the next, which one of them makes for all.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use parking_lot::{Condvar, Mutex};

/// The folders that somebody wants synced now.
#[derive(Debug, Default)]
pub(super) struct FolderSyncs {
    folders: Mutex<HashMap<PathBuf, Arc<Folder>>>,
}

#[derive(Debug, Default)]
struct Folder {
    state: Mutex<State>,
    ended: Condvar,
}

#[derive(Debug, Default)]
struct State {
    under_way: bool,
    /// Syncs begun, and syncs that have ended well.
    begun: u64,
    good: u64,
}

impl FolderSyncs {
    /// Makes names created, renamed or removed in a folder survive a power loss. Blocks the thread.
    pub(super) fn sync(&self, folder: &Path) -> io::Result<()> {
        let shared = Arc::clone(self.folders.lock().entry(folder.to_owned()).or_default());
        let result = shared.sync(|| fs::File::open(folder)?.sync_all());
        let mut folders = self.folders.lock();
        drop(shared);
        if folders.get(folder).is_some_and(|shared| Arc::strong_count(shared) == 1) {
            folders.remove(folder);
        }
        result
    }
}

impl Folder {
    /// Returns once a sync that began after this call has ended well: another's, or else its own.
    fn sync(&self, sync: impl Fn() -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state.lock();
        let wanted = state.begun + 1;
        while state.under_way {
            self.ended.wait(&mut state);
            if state.good >= wanted {
                return Ok(());
            }
        }
        state.under_way = true;
        state.begun += 1;
        let mine = state.begun;
        drop(state);
        let result = sync();
        let mut state = self.state.lock();
        state.under_way = false;
        if result.is_ok() {
            state.good = mine;
        }
        self.ended.notify_all();
        result
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use super::*;

    #[test]
    fn those_who_wait_share_the_next_sync() {
        let folder = Folder::default();
        let (count, (entered, inside), (go, gate)) = (AtomicUsize::new(0), mpsc::channel(), mpsc::channel::<()>());
        let gate = Mutex::new(gate);
        let sync = || {
            count.fetch_add(1, Ordering::SeqCst);
            entered.send(()).unwrap();
            gate.lock().recv().unwrap();
            Ok(())
        };
        std::thread::scope(|scope| {
            scope.spawn(|| folder.sync(sync).unwrap());
            inside.recv().unwrap();
            for _ in 0..8 {
                scope.spawn(|| folder.sync(sync).unwrap());
            }
            // Woken for nothing they wait again; only all eight at once count.
            while folder.ended.notify_all() < 8 {
                std::thread::yield_now();
            }
            go.send(()).unwrap();
            inside.recv().unwrap();
            go.send(()).unwrap();
        });
        assert_eq!(count.load(Ordering::SeqCst), 2);
    }

    #[test]
    fn a_failure_is_nobodys_success() {
        let folder = Folder::default();
        assert!(folder.sync(|| Err(io::Error::other("full"))).is_err());
        assert!(folder.sync(|| Ok(())).is_ok());
        let syncs = FolderSyncs::default();
        assert!(syncs.sync(Path::new("/there/is/no/such/folder")).is_err());
        assert!(syncs.folders.lock().is_empty());
    }
}
