//! A real server asked over real HTTP, from a snapshot made by hand.

mod access;
mod attacks;
mod certificates;
mod client;
mod exemplars;
mod formats;
mod histograms;
mod listening;
pub mod metrics;
mod routes;
mod scraped;
pub mod server;
mod victoria;
mod web_config;
