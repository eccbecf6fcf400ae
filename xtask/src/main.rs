//! `cargo xtask`: writes the generated files; `cargo xtask traffic [TRUNKS [HOURS [no-rules]]]`: prints sample traffic;
//! `cargo xtask faults [PROGRAM]`: plays the fault table and writes it into README.md;
//! `cargo xtask rules-cost PROMETHEUS...`: measures what the rules cost a Prometheus with two hundred trunks;
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
        ["rules-cost", ref options @ ..] => measure_rules(options),
        _ => Err(io::Error::other(
            "usage: cargo xtask [traffic [TRUNKS [HOURS [no-rules]]] | faults [PROGRAM] | scrapes [PROGRAM] \
             | siege [--seconds N | --kills N [--seed N]] [PROGRAM] \
             | rules-cost [--trunks N] [--minutes N] [--weeks N] [--in-memory SECONDS] [--folder FOLDER] [--rules FOLDER]... PROMETHEUS...]",
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

/// Two hundred trunks and twenty minutes with the rules of the repository, if nothing else is said.
fn measure_rules(options: &[&str]) -> io::Result<()> {
    let default = std::env::temp_dir().join("rules-cost");
    let (mut trunks, mut minutes, mut weeks, mut in_memory, mut folder) = (200, 20, 1, 7200, default);
    let (mut rules, mut programs) = (Vec::new(), Vec::new());
    let mut options = options.iter();
    while let Some(option) = options.next() {
        let mut next = || options.next().ok_or_else(|| io::Error::other(format!("{option} needs a value")));
        let number = |text: &str| text.parse::<u64>().map_err(io::Error::other);
        match *option {
            "--trunks" => trunks = number(next()?)? as usize,
            "--minutes" => minutes = number(next()?)?,
            "--weeks" => weeks = number(next()?)?,
            "--in-memory" => in_memory = number(next()?)?,
            "--folder" => folder = next()?.into(),
            "--rules" => rules.push(next()?.into()),
            path => programs.push(path.into()),
        }
    }
    if rules.is_empty() {
        rules.push(xtask::repository().join("deploy/prometheus"));
    }
    let plan =
        xtask::rules_cost::Plan { trunks, minutes, weeks, in_memory, folder: &folder, programs, rules };
    xtask::rules_cost::play(&plan)
}

/// For `promtool tsdb create-blocks-from openmetrics`.
fn print_traffic(trunks: &str, hours: &str, rules: bool) -> io::Result<()> {
    let trunks = trunks.parse().map_err(io::Error::other)?;
    let minutes = 60 * hours.parse::<u64>().map_err(io::Error::other)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(io::Error::other)?;
    let traffic = xtask::traffic::Traffic { trunks, minutes, end: now.as_secs(), rules };
    traffic.write_openmetrics(&mut io::BufWriter::new(io::stdout().lock()))
}
