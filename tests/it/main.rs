//! The one integration binary: a module for each topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod architecture;
mod catalogue;
mod commands;
mod config;
mod cuts;
mod demo;
mod dependencies;
mod deployment;
mod end_to_end;
mod http;
mod samples;
mod tools;
