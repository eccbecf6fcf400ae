//! What one entry of `collect:` comes to, checked.

use std::path::PathBuf;
use std::time::Duration;

/// Microsoft keeps these records for so many days.
pub const MAX_HISTORY: Duration = Duration::from_secs(150 * 24 * 60 * 60);

/// One collector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// The source that it feeds.
    pub source: String,
    /// Its domain or its id.
    pub tenant: String,
    /// The application; empty for the managed identity of the machine itself.
    pub client_id: String,
    pub credential: Credential,
    /// Scheme and host, without a slash at the end.
    pub login_url: String,
    /// As `login_url`.
    pub graph_url: String,
    /// Certificate authorities to trust beside those of the system.
    pub ca_file: Option<PathBuf>,
    pub times: Times,
    /// Requests to Graph in any minute, at most.
    pub requests_per_minute: u32,
    /// Where the files go: the spool folder of the source.
    pub folder: PathBuf,
}

/// How often, how far back, how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Times {
    pub every: Duration,
    pub look_back: Duration,
    pub history: Duration,
    pub keep: Duration,
}

/// How it proves who it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Credential {
    /// `ends`: when the operator said that the secret ends, in milliseconds since 1970. Nothing else tells.
    Secret {
        file: PathBuf,
        ends: Option<i64>,
    },
    Certificate {
        certificate_file: PathBuf,
        private_key_file: PathBuf,
    },
    /// A token of another issuer, which Kubernetes and others keep fresh in a file.
    Federated {
        token_file: PathBuf,
    },
    /// What Azure gives the machine or the app that this runs on.
    ManagedIdentity,
}

/// Microsoft's clouds that have these records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cloud {
    Global,
    UsGovL4,
    UsGovL5,
}

impl Cloud {
    pub const ALL: [Self; 3] = [Self::Global, Self::UsGovL4, Self::UsGovL5];

    /// As the config names it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Global => "global",
            Self::UsGovL4 => "usgov_l4",
            Self::UsGovL5 => "usgov_l5",
        }
    }

    /// Where to sign in.
    pub fn login_url(self) -> &'static str {
        match self {
            Self::Global => "https://login.microsoftonline.com",
            Self::UsGovL4 | Self::UsGovL5 => "https://login.microsoftonline.us",
        }
    }

    /// Where the records are.
    pub fn graph_url(self) -> &'static str {
        match self {
            Self::Global => "https://graph.microsoft.com",
            Self::UsGovL4 => "https://graph.microsoft.us",
            Self::UsGovL5 => "https://dod-graph.microsoft.us",
        }
    }
}

impl Times {
    /// How long a request may take.
    pub fn request_timeout(&self) -> Duration {
        self.every.clamp(Duration::from_secs(1), Duration::from_secs(60))
    }

    /// How long to wait before the first repetition; later ones wait longer.
    pub fn first_pause(&self) -> Duration {
        (self.every / 100).clamp(Duration::from_millis(10), Duration::from_secs(3))
    }
}
