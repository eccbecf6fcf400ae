//! The formats and compressions as scrapers ask for them, and what other people's parsers make of them.

use std::io::{Read, Write};
use std::process::{Command, Stdio};

use cdr_exporter::expose::Options;
use flate2::read::GzDecoder;

use super::attacks::large;
use super::client::Reply;
use super::metrics::snapshot;
use super::server::Server;

const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROTOBUF: &str =
    "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited";

fn with_created() -> Server {
    Server::start(snapshot(), Options { created_timestamps: true, ..Options::default() })
}

fn openmetrics(server: &Server) -> Reply {
    server.ask("GET", "/metrics", &["Accept: application/openmetrics-text;version=1.0.0"])
}

#[test]
fn scrapers_get_what_they_ask_for() {
    let server = with_created();
    let without_version = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,\
        application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,\
        text/plain;version=0.0.4;q=0.2,*/*;q=0.1";
    let protobuf =
        "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;q=0.6";
    for (accept, kind, first, last) in [
        ("", "text/plain; version=0.0.4; charset=utf-8".to_owned(), "# HELP cdr_", "\n"),
        // Prometheus 2.42.
        (
            "application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,\
             text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
            format!("{OPENMETRICS}; escaping=underscores"),
            "# TYPE cdr_",
            "\n# EOF\n",
        ),
        // Prometheus 3.5, without and with native histograms.
        (without_version, format!("{OPENMETRICS}; escaping=allow-utf-8"), "# TYPE cdr_", "\n# EOF\n"),
        (&format!("{protobuf},{without_version}"), format!("{PROTOBUF}; escaping=underscores"), "", ""),
        // VictoriaMetrics.
        (
            "text/plain;version=0.0.4;q=1,*/*;q=0.1",
            "text/plain; version=0.0.4; charset=utf-8".to_owned(),
            "# HELP cdr_",
            "\n",
        ),
        (
            "text/plain;version=1.0.0;escaping=dots",
            "text/plain; version=1.0.0; charset=utf-8; escaping=dots".to_owned(),
            "# HELP cdr_",
            "\n",
        ),
        (
            "application/openmetrics-text;version=0.0.1",
            "application/openmetrics-text; version=0.0.1; charset=utf-8".to_owned(),
            "# TYPE cdr_",
            "\n# EOF\n",
        ),
    ] {
        let reply = server.ask("GET", "/metrics", &[&format!("Accept: {accept}")]);
        assert_eq!(reply.header("content-type"), Some(&*kind), "{accept}");
        assert_eq!(reply.header("vary"), Some("accept, accept-encoding"));
        assert!(
            reply.body.starts_with(first.as_bytes()) && reply.body.ends_with(last.as_bytes()),
            "{accept}"
        );
        let holds = |text: &str| memchr::memmem::find(&reply.body, text.as_bytes()).is_some();
        assert!(holds("sbc1.contoso.com") && holds("process_"), "{accept}: snapshot and process");
    }
}

#[test]
fn every_compression_holds_the_same_text() {
    let server = Server::start(large(2000), Options::default());
    let own = |text: &str| {
        text.lines().filter(|line| line.starts_with("cdr_call")).map(str::to_owned).collect::<Vec<_>>()
    };
    let plain = server.ask("GET", "/metrics", &[]);
    for (coding, most) in [("gzip", 8), ("zstd", 8)] {
        let reply = server.ask("GET", "/metrics", &[&format!("Accept-Encoding: {coding}")]);
        assert_eq!(reply.header("content-encoding"), Some(coding));
        let mut text = String::new();
        match coding {
            "gzip" => GzDecoder::new(&*reply.body).read_to_string(&mut text).unwrap(),
            _ => zstd::Decoder::new(&*reply.body).unwrap().read_to_string(&mut text).unwrap(),
        };
        assert_eq!(own(&text), own(plain.text()), "{coding}");
        assert!(text.contains("\nprocess_start_time_seconds "), "{coding}");
        assert!(reply.body.len() < plain.body.len() / most, "{} of {}", reply.body.len(), plain.body.len());
    }
    let refused = server.ask("GET", "/metrics", &["Accept-Encoding: identity;q=0"]);
    assert_eq!((refused.status, refused.text()), (406, "There is identity, gzip and zstd.\n"));
}

/// Everything that is not of this build or process.
#[test]
fn openmetrics_is_written_as_it_is() {
    let text = openmetrics(&with_created()).text().to_owned();
    let varies = ["cdr_cause_info{", "cdr_exporter_build_info{", "process_", "cdr_exporter_config_last"];
    let lines = text.lines().filter(|line| !varies.iter().any(|v| line.starts_with(v)));
    insta::assert_snapshot!("openmetrics", lines.collect::<Vec<_>>().join("\n"));
}

#[test]
fn created_timestamps_are_shown_where_they_are_wanted() {
    let text = openmetrics(&Server::start(snapshot(), Options::default())).text().to_owned();
    assert!(text.contains("\ncdr_calls_total{") && !text.contains("_created"), "{text}");
    assert!(openmetrics(&with_created()).text().contains("\ncdr_calls_created{"));
}

#[test]
fn the_process_is_left_out_where_it_is_not_wanted() {
    let server = Server::start(snapshot(), Options { without_process: true, ..Options::default() });
    let text = server.ask("GET", "/metrics", &[]).text().to_owned();
    assert!(!text.contains("process_") && text.contains("\ncdr_exporter_build_info{"), "{text}");
}

#[test]
fn the_strict_parser_of_prometheus_client_takes_openmetrics() {
    let parser = "import sys\n\
        from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse\n\
        families = list(parse(sys.stdin.read()))\n\
        print(sum(len(family.samples) for family in families), len({family.name for family in families}))";
    for server in [with_created(), Server::start(snapshot(), Options::default())] {
        let text = openmetrics(&server).text().to_owned();
        // Debian's own, whose packages these are.
        let mut python = Command::new("/usr/bin/python3");
        python.args(["-c", parser]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut python = python.spawn().expect("python3: install Debian's python3-prometheus-client");
        python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        let output = python.wait_with_output().unwrap();
        let words = String::from_utf8_lossy(&output.stderr);
        assert!(!words.contains("ModuleNotFound"), "install Debian's python3-prometheus-client: {words}");
        let samples = text.lines().filter(|line| !line.starts_with('#')).count();
        let families = text.lines().filter(|line| line.starts_with("# TYPE")).count();
        let expected = format!("{samples} {families}\n");
        assert_eq!(String::from_utf8_lossy(&output.stdout), expected, "{words}");
    }
}

#[test]
fn protobuf_is_a_row_of_families_with_their_lengths() {
    let reply = with_created().ask(
        "GET",
        "/metrics",
        &["Accept: application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"],
    );
    let mut rest = &*reply.body;
    let mut names = Vec::new();
    while !rest.is_empty() {
        let length = prost::decode_length_delimiter(&mut rest).unwrap();
        let (family, more) = rest.split_at(length);
        // The first field is the name, shorter than 128 bytes.
        assert_eq!(family[0], 0x0a);
        names.push(String::from_utf8(family[2..2 + usize::from(family[1])].to_vec()).unwrap());
        rest = more;
    }
    let text = with_created().ask("GET", "/metrics", &[]).text().to_owned();
    let in_text = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next());
    assert_eq!(names, in_text.collect::<Vec<_>>());
}
