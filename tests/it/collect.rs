//! Records collected from Microsoft, which here is a stand-in: real HTTPS on loopback, behaving as documented and
//! misbehaving by list.

mod daemon;
mod faults;
mod kills;
mod paging;
mod privacy;
mod rules;
mod setup;
mod sign_in;
mod stand_in;
