//! The integration tests, one module for each topic.

mod dashboards;
mod prometheus;
mod rules;
