//! The daemon's own log, and the metrics about itself.
