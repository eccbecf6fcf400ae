//! What happens to files in the field, played with real files against the real daemon. Ids are not remembered here,
//! so that a record read twice is counted twice and shows.

mod content;
mod copies;
mod elsewhere;
mod known_again;
mod ending;
mod fairness;
mod holes;
mod play;
mod progress;
mod renamed;
mod restarts;
mod rewritten;
mod rotation;
mod table;
mod walking;
mod watching;
