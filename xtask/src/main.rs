//! `cargo xtask`: writes the generated files; `cargo xtask traffic [TRUNKS [HOURS [no-rules]]]`: prints sample traffic;
//! `cargo xtask faults [PROGRAM]`: plays the fault table and writes it into README.md;
//! `cargo xtask scrapes [PROGRAM]`: times scrapes while files are read, and `/-/healthy` behind many scrapes;
//! `cargo xtask siege [--seconds N | --kills N [--seed N]] [PROGRAM]`: attacks the daemon, or kills it again and again.

use std::{env, fs, io, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let result = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => write_generated(),
        ["traffic"] => print_traffic("5", "1", true),
        ["traffic", trunks] => print_traffic(trunks, "1", true),
        ["traffic", trunks, hours] => print_traffic(trunks, hours, true),
        ["traffic", trunks, hours, "no-rules"] => print_traffic(trunks, hours, false),
        ["faults"] => play_faults("target/release/cdr-exporter"),
        ["faults", program] => play_faults(program),
        ["scrapes"] => time_scrapes("target/release/cdr-exporter"),
        ["scrapes", program] => time_scrapes(program),
        ["siege", ref options @ ..] => lay_siege(options),
        _ => Err(io::Error::other(
            "usage: cargo xtask [traffic [TRUNKS [HOURS [no-rules]]] | faults [PROGRAM] | scrapes [PROGRAM] \
             | siege [--seconds N | --kills N [--seed N]] [PROGRAM]]",
        )),
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

fn time_scrapes(program: &str) -> io::Result<()> {
    xtask::scrapes::play(&xtask::repository().join(program))
}

/// Ten minutes of attacks if nothing else is said.
fn lay_siege(options: &[&str]) -> io::Result<()> {
    let (mut seconds, mut kills, mut seed, mut program) = (600, None, 1, "target/release/cdr-exporter");
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut number = || {
            let text = options.next().ok_or_else(|| io::Error::other(format!("{option} needs a number")))?;
            text.parse::<u64>().map_err(|_| io::Error::other(format!("{option} {text}: not a number")))
        };
        match *option {
            "--seconds" => seconds = number()?,
            "--kills" => kills = Some(number()?),
            "--seed" => seed = number()?,
            path => program = path,
        }
    }
    let program = xtask::repository().join(program);
    if !program.is_file() {
        return Err(io::Error::other(format!("{} is not there: run `make build` first", program.display())));
    }
    match kills {
        Some(kills) => xtask::siege::kills::play(&program, kills, seed),
        None => xtask::siege::play(&program, seconds),
    }
}

/// For `promtool tsdb create-blocks-from openmetrics`.
fn print_traffic(trunks: &str, hours: &str, rules: bool) -> io::Result<()> {
    let trunks = trunks.parse().map_err(io::Error::other)?;
    let minutes = 60 * hours.parse::<u64>().map_err(io::Error::other)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(io::Error::other)?;
    let traffic = xtask::traffic::Traffic { trunks, minutes, end: now.as_secs(), rules };
    traffic.write_openmetrics(&mut io::BufWriter::new(io::stdout().lock()))
}
