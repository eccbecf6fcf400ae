//! The landing page: what this is, and where to go from here.

const STYLE: &str = "
body { font-family: sans-serif; margin: 0; line-height: 1.5; }
header { background: #e6522c; color: #fff; padding: 0.5rem 1rem; }
main { padding: 0 1rem; }
";

/// What a browser may do for our pages: show them, with [`STYLE`], and nothing else. The hash is that of `STYLE`.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'sha256-r0zFweRZ3iKslomfQ6zRIGpeo9VBojv1IoecFb0ssUY='; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page for a server whose metrics are at this path. Links are relative, so that they hold behind a
/// proxy that serves this under a path of its own.
pub fn landing(telemetry_path: &str) -> String {
    let metrics = escape(telemetry_path.trim_start_matches('/'));
    let (version, description) = (env!("CARGO_PKG_VERSION"), env!("CARGO_PKG_DESCRIPTION"));
    format!(
        r#"<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>CDR exporter</title>
<style>{STYLE}</style>
</head>
<body>
<header><h1>CDR exporter</h1></header>
<main>
<p>{description}.</p>
<p>Version {version}</p>
<ul>
<li><a href="{metrics}">Metrics</a></li>
<li><a href="-/healthy">Healthy</a>: the program runs</li>
<li><a href="-/ready">Ready</a>: the files present at the start are read</li>
<li><a href="-/files">Files</a>: how far each file is read, as JSON</li>
</ul>
</main>
</body>
</html>
"#
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_relative_and_escaped() {
        let page = landing("/a&b/\"metrics\"");
        assert!(page.contains(r#"href="a&amp;b/&quot;metrics&quot;""#), "{page}");
        assert!(!page.contains("href=\"/"), "{page}");
    }

    /// Base64 of the SHA-256 of this text.
    fn sha256(text: &str) -> String {
        let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
        let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
        let bits: Vec<bool> = digest
            .as_ref()
            .iter()
            .flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1 == 1))
            .collect();
        let sextet =
            |bits: &[bool]| (0..6).fold(0, |sum, bit| sum * 2 + usize::from(bits.get(bit) == Some(&true)));
        bits.chunks(6).map(|bits| letters[sextet(bits)]).chain(['=']).collect()
    }

    #[test]
    fn the_policy_allows_the_style_and_no_other() {
        assert_eq!(sha256(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
        let allowed = format!("style-src 'sha256-{}';", sha256(STYLE));
        assert!(CONTENT_SECURITY_POLICY.contains(&allowed), "{allowed}");
        assert!(landing("/metrics").contains(&format!("<style>{STYLE}</style>")));
    }

    #[test]
    fn names_the_version() {
        assert!(landing("/metrics").contains(concat!("Version ", env!("CARGO_PKG_VERSION"))));
    }
}
