//! The daemon seen from outside: one module for each topic.

mod http;
