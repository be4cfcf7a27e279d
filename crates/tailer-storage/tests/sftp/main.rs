//! The suite against OpenSSH's own server, and what only SFTP can go wrong with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
#[path = "../suite/counterparts.rs"]
mod counterparts;
mod host_keys;
mod interruptions;
mod paths;
mod sshd;
#[path = "../suite/mod.rs"]
mod suite;

use sshd::sshd;

storage_suite!(try sshd:
    written_objects_read_back,
    large_objects_come_in_chunks,
    a_rewrite_replaces_and_changes_the_version,
    a_failed_write_leaves_what_was_there,
    an_unfinished_write_is_invisible,
    lists_a_folder_and_what_is_below_it,
    a_listing_may_be_dropped_halfway,
    copies_whole_and_replaces,
    deletes_and_does_not_mind_missing_ones,
    missing_objects_are_named,
    local_paths_hold_the_content,
    racing_writers_leave_one_whole_object,
    a_watch_pokes,
    lists_one_folder_only,
    refuses_another_length,
);
