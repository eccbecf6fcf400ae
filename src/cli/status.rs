//! `cdr-exporter status`: how each file fares, from the running daemon, or from the store when none runs.

mod ask;
mod head;
mod table;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use serde::Serialize;

use self::ask::{NoAnswer, TLS};
use super::Exit;
use super::stopped::Failed;
use crate::expose::api::Status;
use crate::expose::listen;
use crate::ledger::status::{FileStatus, Files};
use crate::ledger::store::{Store, StoreError};
use crate::ledger::{Decision, KnownFile};
use crate::source::identity::FileId;
use crate::{clock, config, shown};

/// Say what is wrong, what became of the records, and of each file how far and how fast it is read
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  cdr-exporter status
  cdr-exporter status --web.listen-address 127.0.0.1:10410 --output json
  cdr-exporter status --storage.path /var/lib/cdr-exporter

It asks the daemon at the address that serve was given (GET /api/v1/status, /-/files). Where none answers it reads \
the store. The files that are furthest behind come first.

Exit status: 0 done, 1 the daemon cannot say or is no cdr-exporter, 2 wrong usage, 74 no daemon \
answers and the store cannot be used.")]
pub struct Arguments {
    /// Address of the daemon; without a host, this machine
    #[arg(long = "web.listen-address", value_name = "ADDR", default_value = ":10410", value_parser = address)]
    address: SocketAddr,
    /// Folder of the store, read when no daemon answers
    #[arg(long = "storage.path", value_name = "FOLDER", default_value = config::STORAGE)]
    storage_path: PathBuf,
    /// How to print it
    #[arg(long, value_name = "OUTPUT", default_value = "table")]
    output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Table,
    /// For programs
    Json,
}

/// Asks and prints.
pub fn run(arguments: &Arguments) -> Exit {
    let (Files { mut files }, status) = match ask_or_read(arguments) {
        Ok(answer) => answer,
        Err(Failed { message, exit }) => {
            super::say("status", message);
            return exit;
        }
    };
    files.sort_by(|a, b| {
        b.bytes_behind.cmp(&a.bytes_behind).then_with(|| (&a.source, &a.path).cmp(&(&b.source, &b.path)))
    });
    let text = match arguments.output {
        Output::Table => status.as_ref().map(head::head).unwrap_or_default() + &table::table(&files),
        Output::Json => {
            shown::json(serde_json::to_string_pretty(&All { files, status }).unwrap_or_default()) + "\n"
        }
    };
    super::print("status", &text, Exit::Ok)
}

/// What is printed for programs.
#[derive(Serialize)]
struct All {
    files: Vec<FileStatus>,
    /// From a running daemon: as `/api/v1/status`, without the files.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
}

fn ask_or_read(arguments: &Arguments) -> Result<(Files, Option<Status>), Failed> {
    let Arguments { address, storage_path, .. } = arguments;
    let nobody = match ask::daemon(*address) {
        Ok((files, status)) => return Ok((files, status.map(|status| Status { files: None, ..status }))),
        Err(NoAnswer::Said(reason)) => {
            return Err(Failed::new(format!("http://{address}: {reason}"), Exit::No));
        }
        Err(NoAnswer::Nobody(error)) => {
            let at = match address.ip().is_unspecified() {
                true => format!(":{}", address.port()),
                false => address.to_string(),
            };
            format!("no daemon answers at {at} ({})", shown::refusal(&error))
        }
    };
    match stored(storage_path) {
        Ok(files) => {
            super::say("status", format_args!("{nobody}: this is what the store holds"));
            Ok((files, None))
        }
        Err(StoreError::Missing(store)) => {
            let advice =
                "name the address of the daemon with --web.listen-address, or its store with --storage.path";
            Err(Failed::new(
                format!("{nobody}, and there is no store {}; {advice}", store.display()),
                Exit::Store,
            ))
        }
        Err(StoreError::InUse(store)) => {
            let advice = "name its address with --web.listen-address";
            let store = store.display();
            Err(Failed::new(
                format!("{nobody}, yet a running one uses the store {store}; {advice}"),
                Exit::Store,
            ))
        }
        Err(error) => Err(Failed::new(format!("{nobody}; {error}"), Exit::Store)),
    }
}

/// What the store knows of each file.
fn stored(folder: &Path) -> Result<Files, StoreError> {
    let store = Store::open_existing(folder, false)?;
    // The options change nothing of what is read.
    let ledger = config::defaults().ledger_of(store, clock::now())?;
    let mut files = Vec::new();
    for (source, name) in ledger.sources() {
        files.extend(ledger.contents(source).files().map(|(id, file)| status(name, id, file)));
    }
    Ok(Files { files })
}

fn status(source: &str, id: FileId, file: &KnownFile) -> FileStatus {
    let KnownFile { path, content, decision, .. } = file;
    let metadata = fs::metadata(path).ok().filter(|metadata| FileId::of(metadata) == id);
    let size = metadata.as_ref().map_or(0, fs::Metadata::len);
    let behind = |text_at: u64| size.saturating_sub(text_at + content.position);
    let (decision, decided_at) = decision.map(Decision::shown).unzip();
    FileStatus {
        source: source.to_owned(),
        path: path.to_string_lossy().into_owned(),
        state: if metadata.is_some() { "stopped" } else { "gone" }.into(),
        format: Some(content.format.clone().into()),
        position: content.position,
        size,
        bytes_behind: content.plain_text_at.map(behind),
        bytes_per_second: None,
        rejected: content.records.map(|records| records.rejected),
        ignored: content.records.map(|records| records.ignored),
        error: None,
        decision,
        decided_at,
    }
}

/// As serve takes it, or as a URL.
fn address(text: &str) -> Result<SocketAddr, String> {
    if text.starts_with("https://") {
        return Err(format!("status speaks HTTP only; {TLS}"));
    }
    if text.starts_with("unix:") {
        return Err(
            "status asks over TCP: `curl --unix-socket PATH http://localhost/api/v1/status` asks there"
                .to_owned(),
        );
    }
    let text = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    listen::tcp(text)
}
