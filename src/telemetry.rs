//! The daemon's word about itself: its log, and the metrics that no snapshot holds.

pub mod collect;
mod heartbeat;
mod log;
mod panics;

use prometheus::{Counter, Gauge, Opts, Registry};

use crate::call::UnixMillis;
use crate::clock::{self, Clock};
pub use collect::{Collection, OfSource};
pub use heartbeat::Heartbeat;
pub use log::{LogFormat, LogLevel, init};

/// Metrics about the program and its config. Clones share their values.
#[derive(Debug, Clone)]
pub struct Telemetry {
    build_info: Gauge,
    last_reload_successful: Gauge,
    last_reload_success_timestamp: Gauge,
    /// The turns of the loop.
    pub heartbeat: Heartbeat,
    /// What the collectors say.
    pub collection: Collection,
}

impl Telemetry {
    /// Metrics of a program that has not loaded a config yet.
    pub fn new(clock: Clock) -> Self {
        let build_info = gauge(build_info());
        build_info.set(1.0);
        Self {
            build_info,
            last_reload_successful: gauge(Opts::new(
                "cdr_exporter_config_last_reload_successful",
                "Whether the last attempt to load the configuration succeeded.",
            )),
            last_reload_success_timestamp: gauge(Opts::new(
                "cdr_exporter_config_last_reload_success_timestamp_seconds",
                "When a configuration was last loaded with success, in seconds since 1970.",
            )),
            heartbeat: Heartbeat::new(clock),
            collection: Collection::new(),
        }
    }

    /// Adds these metrics, and those of the process, to what a scrape gathers.
    ///
    /// # Errors
    /// When they are in this registry already.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        for gauge in [
            &self.build_info,
            &self.last_reload_successful,
            &self.last_reload_success_timestamp,
            &self.heartbeat.timestamp,
        ] {
            registry.register(Box::new(gauge.clone()))?;
        }
        registry.register(Box::new(panics::PANICS.clone()))?;
        registry.register(Box::new(log::LOST_LINES.clone()))?;
        self.collection.register(registry)?;
        #[cfg(target_os = "linux")]
        registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
        Ok(())
    }

    /// Notes that a config was loaded; the first load counts too.
    pub fn reload_succeeded(&self, now: UnixMillis) {
        self.last_reload_success_timestamp.set(clock::seconds(now));
        self.last_reload_successful.set(1.0);
    }

    /// Notes that a config was refused, and that the one before it stays.
    pub fn reload_failed(&self) {
        self.last_reload_successful.set(0.0);
    }
}

fn build_info() -> Opts {
    Opts::new("cdr_exporter_build_info", "Always 1; the labels say from what this program was built.")
        .const_label("version", env!("CARGO_PKG_VERSION"))
        .const_label("revision", env!("CDR_EXPORTER_REVISION"))
        .const_label("rustversion", env!("CDR_EXPORTER_RUSTVERSION"))
        .const_label("target_os", std::env::consts::OS)
        .const_label("target_arch", std::env::consts::ARCH)
}

#[expect(
    clippy::expect_used,
    reason = "prometheus refuses only names and labels that are wrong, and these are constants"
)]
fn gauge(options: Opts) -> Gauge {
    Gauge::with_opts(options).expect("names, labels and help are constants, and valid")
}

#[expect(clippy::expect_used, reason = "as for gauges")]
fn counter(options: Opts) -> Counter {
    Counter::with_opts(options).expect("names, labels and help are constants, and valid")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The families of a registry with one `Telemetry` as text.
    fn exposed(telemetry: &Telemetry) -> String {
        let registry = Registry::new();
        telemetry.register(&registry).unwrap();
        prometheus::TextEncoder::new().encode_to_string(&registry.gather()).unwrap()
    }

    #[test]
    fn tells_what_was_built_and_how_the_process_does() {
        let text = exposed(&Telemetry::new(clock::system()));
        let version = concat!("version=\"", env!("CARGO_PKG_VERSION"), "\"} 1\n");
        assert!(text.contains("\ncdr_exporter_build_info{revision="), "{text}");
        assert!(text.contains(version), "{text}");
        for name in [
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_threads",
            "process_virtual_memory_bytes",
        ] {
            assert!(text.contains(&format!("\n{name} ")), "no {name} in:\n{text}");
        }
    }

    #[test]
    fn a_refused_config_keeps_the_time_of_the_last_good_one() {
        let telemetry = Telemetry::new(clock::system());
        let reload = |text: &str| {
            text.lines()
                .filter(|line| line.starts_with("cdr_exporter_config_"))
                .collect::<Vec<_>>()
                .join("\n")
        };
        let expected = |successful, timestamp| {
            format!(
                "cdr_exporter_config_last_reload_success_timestamp_seconds {timestamp}\n\
                 cdr_exporter_config_last_reload_successful {successful}"
            )
        };
        assert_eq!(reload(&exposed(&telemetry)), expected("0", "0"));
        telemetry.reload_succeeded(UnixMillis(1_790_000_000_500));
        assert_eq!(reload(&exposed(&telemetry)), expected("1", "1790000000.5"));
        telemetry.reload_failed();
        assert_eq!(reload(&exposed(&telemetry)), expected("0", "1790000000.5"));
    }
}
