//! One binary for every test that runs the program, or looks at the repository, from outside.

mod catalogue;
mod http;
