//! The one integration binary: a module for each topic.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    reason = "a test says what is wrong by panicking, and on standard error what it could not try"
)]

mod advice;
mod alerting;
mod architecture;
mod archives;
mod attempts;
mod audit;
mod bounds;
mod cadences;
mod catalogue;
mod clock;
mod dashboards;
mod collect;
mod commands;
mod config;
mod crash;
mod cuts;
mod demo;
mod devices;
mod families;
mod fate;
mod faults;
mod dependencies;
mod deployment;
mod durable;
mod encodings;
mod end_to_end;
mod front;
mod fuzz;
mod http;
mod inspect;
mod instructions;
mod labels;
mod layouts;
mod life;
mod mapping;
mod messages;
mod model;
mod ordinary_days;
mod outages;
mod page;
mod panics;
mod readme;
mod rejected;
mod rsyslog;
mod rules;
mod samples;
mod status;
mod scraper;
mod tools;
