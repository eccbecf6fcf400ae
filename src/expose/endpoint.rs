//! What can be asked for, at which path and by which methods.

use super::Options;
use super::pages::Page;

/// What can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endpoint {
    Metrics,
    Page(Page),
    Healthy,
    Ready,
    Files,
    Reload,
}

impl Endpoint {
    /// The endpoint at this path. Metrics at `/` take the place of the page there.
    pub fn at(path: &str, options: &Options) -> Option<Self> {
        match path {
            path if path == options.telemetry_path => Some(Self::Metrics),
            "/-/healthy" => Some(Self::Healthy),
            "/-/ready" => Some(Self::Ready),
            "/-/files" => Some(Self::Files),
            "/-/reload" => Some(Self::Reload),
            path => Page::at(path).map(Self::Page),
        }
    }

    /// The methods it answers, as the `Allow` header lists them.
    pub fn allow(self) -> &'static str {
        match self {
            Self::Reload => "POST, PUT, OPTIONS",
            Self::Metrics | Self::Page(_) | Self::Healthy | Self::Ready | Self::Files => "GET, HEAD, OPTIONS",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_at_the_root_take_the_place_of_the_page() {
        let at_root = Options { telemetry_path: "/".to_owned(), ..Options::default() };
        assert_eq!(Endpoint::at("/", &at_root), Some(Endpoint::Metrics));
        assert_eq!(Endpoint::at("/metrics", &at_root), None);
        assert_eq!(Endpoint::at("/", &Options::default()), Some(Endpoint::Page(Page::Overview)));
    }
}
