//! A real server asked over real HTTP, from a snapshot made by hand.

mod client;
mod metrics;
mod routes;
mod server;
