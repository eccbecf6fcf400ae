//! Build, run, reload, stop.
