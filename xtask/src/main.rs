//! `cargo xtask`: writes the generated files; `cargo xtask traffic [TRUNKS]`: prints an hour of sample traffic;
//! `cargo xtask faults [PROGRAM]`: plays the fault table and writes it into README.md.

use std::{env, fs, io, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write_generated(),
        ["traffic"] => print_traffic("5"),
        ["traffic", trunks] => print_traffic(trunks),
        ["faults"] => play_faults("target/release/cdr-exporter"),
        ["faults", program] => play_faults(program),
        _ => Err(io::Error::other("usage: cargo xtask [traffic [TRUNKS] | faults [PROGRAM]]")),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write_generated() -> io::Result<()> {
    for (path, content) in xtask::generated()? {
        fs::write(&path, content)?;
        println!("{}", path.display());
    }
    Ok(())
}

fn play_faults(program: &str) -> io::Result<()> {
    let root = xtask::repository();
    xtask::faults::write_table(&root.join(program), &root.join("README.md"))
}

/// For `promtool tsdb create-blocks-from openmetrics`.
fn print_traffic(trunks: &str) -> io::Result<()> {
    let trunks = trunks.parse().map_err(io::Error::other)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(io::Error::other)?;
    let traffic = xtask::traffic::Traffic { trunks, minutes: 60, end: now.as_secs() };
    traffic.write_openmetrics(&mut io::BufWriter::new(io::stdout().lock()))
}
