//! The landing page: what this is, and where to go from here.

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
<style>
body {{ font-family: sans-serif; margin: 0; line-height: 1.5; }}
header {{ background: #e6522c; color: #fff; padding: 0.5rem 1rem; }}
main {{ padding: 0 1rem; }}
</style>
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

    #[test]
    fn names_the_version() {
        assert!(landing("/metrics").contains(concat!("Version ", env!("CARGO_PKG_VERSION"))));
    }
}
