//! Snapshots over HTTP.
