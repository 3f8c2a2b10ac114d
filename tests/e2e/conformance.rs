//! One suite, every server.

use lakewright_tests::{cases, servers};

#[tokio::test(flavor = "multi_thread")]
async fn buckets() {
    for server in servers().await {
        let lake = &server.lake().await;
        cases!(lake, server.name, buckets: life, twice, not_empty, missing, names);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bucket_config() {
    for server in servers().await {
        let lake = &server.lake().await;
        cases!(
            lake, server.name, bucket_config:
            missing, versioning, versions, object_lock, policy, anonymous_access, tags, lifecycle,
            notifications, encryption, empty,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects() {
    for server in servers().await {
        let lake = &server.lake().await;
        cases!(
            lake, server.name, objects:
            life, ranges, conditions, race, large, broken_stream, files, listings, delete_many,
            copies, hostile_keys,
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tables() {
    for server in servers().await {
        let lake = &server.lake().await;
        cases!(
            lake, server.name, tables:
            life, create_twice, create_race, made_anew, missing_bucket, refusals, streams, fewer_columns, sql, types, concurrent,
        );
    }
}
