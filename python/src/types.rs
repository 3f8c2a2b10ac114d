//! The values that verbs of buckets and tables return.

use std::collections::BTreeMap;

use arrow::datatypes::SchemaRef;
use jiff::Timestamp;
use pyo3::prelude::*;

use crate::convert::Json;
use crate::value::{Expose, value};

value! {
    /// A bucket as the server lists it.
    BucketInfo(lakewright::BucketInfo) {
        /// The bucket's name.
        name: String,
        ;
        /// When the bucket was created; ``None`` where the server does not return it.
        created: Option<Timestamp>,
        /// The region of the bucket, where the server returns it.
        region: Option<String>,
    }
}

value! {
    /// The description of an object.
    ObjectInfo(lakewright::ObjectInfo) {
        /// The object's key.
        key: String,
        /// The size of the whole object in bytes, also when a range was read.
        size: u64,
        ;
        /// The entity tag, without quotes.
        etag: Option<String>,
        /// When the object was written, in UTC.
        last_modified: Option<Timestamp>,
        /// The version, in a bucket with versioning.
        version_id: Option<String>,
        /// The media type; not in listings.
        content_type: Option<String>,
        /// The content encoding, such as ``gzip``; not in listings.
        content_encoding: Option<String>,
        /// The ``Cache-Control`` header; not in listings.
        cache_control: Option<String>,
        /// The user metadata (``x-amz-meta-*``); not in listings.
        metadata: BTreeMap<String, String>,
    }
}

value! {
    /// A version of an object, or the delete marker that hides older versions.
    ObjectVersion(lakewright::ObjectVersion) {
        /// The object's key.
        key: String,
        /// The version's id; ``null`` for a version from before the bucket had versioning.
        version_id: String,
        ;
        /// Whether readers that name no version get this one.
        is_latest: bool,
        /// Whether this is a delete marker, which has no data.
        is_delete_marker: bool,
        /// The size in bytes; 0 for a delete marker.
        size: u64,
        /// The entity tag, without quotes; ``None`` for a delete marker.
        etag: Option<String>,
        /// When the version was written, in UTC.
        last_modified: Option<Timestamp>,
    }
}

impl Expose<Vec<ObjectInfo>> for Vec<lakewright::ObjectInfo> {
    fn expose(&self) -> Vec<ObjectInfo> {
        self.iter().cloned().map(ObjectInfo).collect()
    }
}

value! {
    /// The objects and folders directly below a prefix.
    ListPage(lakewright::ListPage) {
        ;
        /// The objects, in the order of their keys' UTF-8 bytes.
        objects: Vec<ObjectInfo>,
        /// The folders, each with the slash at its end.
        prefixes: Vec<String>,
    }
}

value! {
    /// The result of a write to a table.
    Commit(lakewright::Commit) {
        /// The version that the commit created.
        version: u64,
        ;
        /// Delta's name of the operation, such as ``WRITE``.
        operation: String,
        /// When the commit was made, in UTC.
        timestamp: Option<Timestamp>,
        /// The number of rows written.
        rows: u64,
        /// The number of data files added.
        files_added: u64,
        /// The number of data files removed from the table.
        files_removed: u64,
        /// The bytes of the data files added.
        bytes_added: u64,
        /// How often the commit was retried because a concurrent one came first.
        retries: u64,
    }
}

value! {
    /// One entry of a table's history.
    CommitInfo(lakewright::CommitInfo) {
        /// The version that the commit created.
        version: u64,
        ;
        /// When the commit was made, in UTC.
        timestamp: Option<Timestamp>,
        /// Delta's name of the operation, such as ``WRITE`` or ``CREATE TABLE``.
        operation: Option<String>,
        /// The parameters of the operation.
        parameters: BTreeMap<String, Json>,
        /// The program that wrote the commit.
        engine: Option<String>,
        /// Other entries that the writer made: metrics, application metadata.
        details: BTreeMap<String, Json>,
    }
}

value! {
    /// A data file of a table.
    FileInfo(lakewright::FileInfo) {
        /// The path relative to the table, or a whole URI for a file elsewhere.
        path: String,
        /// The size in bytes.
        size: u64,
        ;
        /// The number of rows, where the log has it.
        rows: Option<u64>,
        /// The values of the partition columns; ``None`` is null.
        partition_values: BTreeMap<String, Option<String>>,
        /// When the file was written, in UTC.
        modified: Option<Timestamp>,
    }
}

impl Expose<Vec<(String, String)>> for SchemaRef {
    fn expose(&self) -> Vec<(String, String)> {
        lakewright::table::column_types(self)
    }
}

value! {
    /// The description of a table.
    TableInfo(lakewright::TableInfo) {
        /// The location, as ``s3://bucket/path``.
        uri: String,
        /// Delta's id of the table.
        id: String,
        /// The version that is described.
        version: u64,
        ;
        /// The table's name, if it has one.
        name: Option<String>,
        /// The description, if there is one.
        description: Option<String>,
        /// The name and Delta type of each column, in their order.
        columns(schema): Vec<(String, String)>,
        /// The partition columns.
        partition_by(partition_columns): Vec<String>,
        /// The properties, such as ``delta.appendOnly``.
        properties: BTreeMap<String, String>,
        /// The number of data files.
        files: usize,
        /// When the table was created, in UTC.
        created: Option<Timestamp>,
    }
}

value! {
    /// The numbers of what :meth:`Bucket.empty` deleted.
    Emptied(lakewright::Emptied) {
        /// The number of object versions and delete markers.
        versions: u64,
        /// The number of incomplete multipart uploads.
        uploads: u64,
        ;
    }
}
