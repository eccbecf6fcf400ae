//! The one integration binary: a module for each topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test says what is wrong by panicking"
)]

mod architecture;
mod catalogue;
mod demo;
mod dependencies;
mod deployment;
mod durable;
mod http;
mod tools;
