//! The integration tests, one module for each topic.

mod alerting;
mod dashboards;
mod prometheus;
mod rules;
