//! The suite on the object stores, and what only they can go wrong with. Needs the servers of `.ci/counterparts`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../suite/counterparts.rs"]
mod counterparts;
mod service;
#[path = "../suite/mod.rs"]
mod suite;

macro_rules! on_every_service {
    ($($service:ident),*) => {
        $(
            mod $service {
                use crate::{service, suite};

                fn fixture() -> Option<service::Fixture> {
                    service::$service()
                }

                crate::storage_suite!(try fixture:
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
            }
        )*
    };
}

on_every_service!(s3, gcs, azure);
