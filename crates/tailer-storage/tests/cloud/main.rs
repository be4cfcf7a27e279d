//! The suite on the object stores, and what only they can go wrong with. Needs the servers of `.ci/counterparts`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod access;
#[path = "../suite/counterparts.rs"]
mod counterparts;
mod failures;
mod names;
mod proxy;
mod service;
#[path = "../suite/mod.rs"]
mod suite;
mod transfers;

/// A test of each function that takes a fixture.
macro_rules! cases {
    ($($module:ident: $($case:ident),*;)*) => {
        $($(
            #[tokio::test]
            async fn $case() {
                let Some(fixture) = fixture() else { return };
                crate::$module::$case(fixture).await;
            }
        )*)*
    };
}

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

                cases! {
                    access: wrong_credentials_are_denied, a_missing_bucket_is_named, an_object_needs_a_name;
                    failures: reads_go_on_after_a_cut, reads_notice_that_the_object_was_replaced,
                        writes_go_on_after_a_cut, lost_answers_do_no_harm, a_busy_service_is_asked_again,
                        a_service_that_is_down_is_transient, a_silent_service_is_not_waited_for,
                        damage_on_the_way_in_is_noticed, damage_on_the_way_out_leaves_nothing,
                        content_that_fails_late_leaves_nothing, a_writer_that_is_dropped_leaves_nothing;
                    names: odd_names_are_names, long_names_are_names, foreign_names_are_passed_over,
                        pages_are_turned, a_thousand_objects_are_not_all;
                    transfers: content_is_cut_anywhere, racing_uploads_leave_one_whole_object,
                        copies_between_buckets_are_the_services, copies_from_elsewhere_are_not,
                        large_copies_go_in_parts, zero_bytes_are_an_object;
                }
            }
        )*
    };
}

on_every_service!(s3, gcs, azure);
