//! Records collected from Microsoft, which here is a stand-in: real HTTPS on loopback, behaving as documented and
//! misbehaving by list.

mod again;
mod daemon;
mod faults;
mod kills;
mod paging;
mod privacy;
mod rules;
pub mod setup;
mod sign_in;
pub mod stand_in;
