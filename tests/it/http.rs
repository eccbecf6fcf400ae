//! A real server asked over real HTTP, from a snapshot made by hand.

mod access;
mod attacks;
mod certificates;
mod client;
mod formats;
mod listening;
pub mod metrics;
mod routes;
mod scraped;
pub mod server;
mod web_config;
