//! Plays a list against real files and the real daemon, and compares what is shown with what was written.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::action::{Action, Log};
use super::world::{GARBAGE, Reach, World};
use crate::tools::files::{gzip, zstd};
use crate::tools::{DEADLINE, Daemon, Metrics, run, wait_until};

/// A file that nobody writes to for so long is quiet; folders are looked through as often.
const QUIET: Duration = Duration::from_millis(200);

/// A way to compress, and what it puts behind the name.
type Encoding = (&'static str, fn(&[u8]) -> Vec<u8>);

const ENCODINGS: [Encoding; 2] = [(".gz", gzip), (".zst", zstd)];

/// A list being played.
pub struct Player {
    folder: TempDir,
    world: World,
    /// Whether record ids are remembered.
    remembers: bool,
    daemon: Option<Daemon>,
    paused: bool,
    /// Whether records became others, which may not have been noticed.
    overwritten: bool,
    /// The counters as they were last shown.
    shown: Metrics,
}

impl Player {
    /// Plays a list to its end; panics where the daemon shows anything but the truth.
    pub fn play(actions: &[Action], remembers: bool) {
        let mut player = Self::new(remembers);
        for action in actions {
            player.act(*action);
        }
        player.finish();
    }

    fn new(remembers: bool) -> Self {
        let folder = TempDir::new().unwrap();
        let world = World::new(folder.path().to_path_buf());
        let config = format!(
            "sources: [{{name: t, paths: ['{0}/**/*.json*', '{0}/**/*.csv*'], remember: {1}, live_within: 100000d}}]\n\
             rescan_interval: {QUIET:?}\nquiet: {QUIET:?}\n",
            world.folder().display(),
            if remembers { "7d" } else { "0s" },
        );
        fs::write(folder.path().join("config.yml"), config).unwrap();
        let mut player = Self {
            folder,
            world,
            remembers,
            daemon: None,
            paused: false,
            overwritten: false,
            shown: Metrics::default(),
        };
        player.start();
        player
    }

    fn finish(mut self) {
        self.start();
        self.settle();
        // Whatever would be counted twice has been by then.
        idle(3 * QUIET);
        self.compare();
        self.audit();
    }

    /// What is right shows no difference to `audit` either.
    fn audit(&mut self) {
        self.daemon.take().map(Daemon::stop);
        let of = |name: &str| self.folder.path().join(name).display().to_string();
        let audit = run(["audit", "--config.file", &of("config.yml"), "--storage.path", &of("store")]);
        // When every file is gone there is nothing to compare.
        let nothing = audit.stdout.contains("\nnothing was compared: ");
        assert_eq!(audit.code, Some(i32::from(nothing)), "{audit:?}");
    }

    fn act(&mut self, action: Action) {
        self.wait_for_overwritten(action);
        let daemon_is_up = self.daemon.is_some();
        match action {
            Action::Append(log, count) => self.world.append(log, count),
            Action::Cut(log, thousandths) => self.world.cut(log, thousandths),
            Action::Garbage(log) => self.garbage(log),
            Action::WriteHole(log, within, behind) => self.world.write_hole(log, within, behind),
            Action::FillHole(log) => self.world.fill_hole(log),
            Action::OverwriteInPlace(log, thousandths, count) => self.overwrite(log, thousandths, count),
            Action::Again(log, count) => self.again(log, count),
            Action::Export(count) => self.export(count),
            Action::Rename(log) => self.rename(log, false),
            Action::RenameAway(log) => self.rename(log, true),
            Action::Reopen(log) => self.world.reopen(log),
            Action::CopyTruncate(log, between) => self.copy_truncate(log, between),
            Action::CopyAwayTruncate(log) => self.copy_away_truncate(log),
            Action::Redirect(log, count) => self.redirect(log, count),
            Action::RenameOver(log, count) => self.rename_over(log, count),
            Action::Compress(log, encoding) => self.compress(log, ENCODINGS[encoding % ENCODINGS.len()]),
            Action::Delete(log) => {
                if let Some(oldest) = self.world.oldest(log) {
                    self.remove(oldest);
                }
            }
            Action::DeleteCurrent(log) => {
                if let Some(current) = self.world.at(&self.world.path(log)) {
                    self.remove(current);
                }
            }
            Action::MoveFolder => self.move_folder(),
            Action::Pause if daemon_is_up => self.pause(),
            Action::Resume => self.resume(),
            Action::Reload if daemon_is_up => self.daemon().reload(),
            Action::Terminate => self.down(|daemon| drop(daemon.stop())),
            Action::Kill => self.down(Daemon::kill),
            Action::Start => self.start(),
            Action::Settle => {
                self.settle();
            }
            Action::Idle => idle(QUIET.mul_f32(1.5)),
            Action::Pause | Action::Reload => {}
        }
    }

    // The files.

    fn garbage(&mut self, log: Log) {
        // A copy of which less was copied than was read is read once more where ids are remembered.
        if self.remembers || self.world.has_hole(log) {
            return;
        }
        self.world.complete(log);
        let line = [GARBAGE[usize::from(log != Log::Csv)], b"\n"].concat();
        // As a first line it would say that the file holds something else altogether.
        let current = self.world.written_to(log).map(|index| &self.world.files[index].path);
        if current.and_then(|path| fs::metadata(path).ok()).is_some_and(|metadata| metadata.len() > 0) {
            self.world.write(log, &line);
            self.world.truth.rejected += 1;
        }
    }

    /// What becomes of a text that was changed in its midst is known once it is noticed; only some things may happen before.
    fn wait_for_overwritten(&mut self, next: Action) {
        use Action::{Idle, Kill, Pause, Reload, Rename, Resume, Settle, Start, Terminate};
        let may_happen =
            matches!(next, Pause | Resume | Reload | Terminate | Kill | Start | Settle | Idle | Rename(_));
        if self.overwritten && !may_happen {
            self.start();
            self.settle();
        }
    }

    fn overwrite(&mut self, log: Log, thousandths: u32, count: u32) {
        let Some(index) = self.world.at(&self.world.path(log)) else { return };
        if self.world.files[index].reach != Reach::Read {
            return;
        }
        self.world.let_go(index);
        if self.is_counted(index) && self.world.files[index].has_record {
            self.world.overwrite(index, thousandths, count, self.remembers);
            self.overwritten = true;
        }
    }

    fn again(&mut self, log: Log, count: u32) {
        if self.remembers {
            self.world.complete(log);
            let (count, text) = self.world.again(log, count);
            self.world.write(log, &text);
            self.world.truth.again += count;
        }
    }

    fn export(&mut self, count: u32) {
        let (records, text) = self.world.records(Log::Json, count);
        let rows = String::from_utf8(text).unwrap().trim_end().replace('\n', ",\n    ");
        let response = format!(
            "{{\n  \"@odata.context\": \"https://graph.microsoft.com/v1.0/$metadata#Collection(microsoft.graph.\
             callRecords.directRoutingLogRow)\",\n  \"@odata.count\": {count},\n  \"value\": [\n    {rows}\n  ]\n}}\n"
        );
        let path = self.world.fresh_path(Log::Json, ".json");
        let part = path.with_extension("part");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&part, response).unwrap();
        fs::rename(part, &path).unwrap();
        let index = self.world.track(Log::Json, path, Reach::Read);
        self.world.wrote(Log::Json, index, &records);
    }

    fn rename(&mut self, log: Log, is_away: bool) {
        let path = self.world.path(log);
        let Some(index) = self.world.at(&path) else { return };
        if is_away && !self.is_found_again(index) {
            return;
        }
        let to = self.world.fresh_path(log, "");
        // What is read has `json` or `csv` in its name.
        let hidden = || to.with_file_name(to.file_name().unwrap().to_str().unwrap().replace(['j', 'c'], "x"));
        let to = if is_away { hidden() } else { to };
        fs::rename(path, &to).unwrap();
        let file = &mut self.world.files[index];
        (file.path, file.reach) = (to, if is_away { Reach::Away } else { Reach::Read });
    }

    /// Whether the daemon goes on to read the file when it is renamed to what is not read: it has it open, or knows it
    /// from before a restart.
    fn is_found_again(&mut self, index: usize) -> bool {
        let file = &self.world.files[index];
        if file.opened || (self.daemon.is_none() && file.known) {
            return true;
        }
        self.world.complete(file.log);
        self.settle() && self.world.files[index].opened
    }

    fn copy_truncate(&mut self, log: Log, between: u32) {
        let path = self.world.path(log);
        let Some(index) = self.world.at(&path) else { return };
        self.world.complete(log);
        self.world.fill_hole(log);
        let copy = self.world.fresh_path(log, "");
        fs::copy(&path, &copy).unwrap();
        let copied = self.world.track(log, copy, Reach::Read);
        self.world.files[copied].uncounted = self.world.files[index].uncounted;
        if between > 0 && self.daemon.is_some() && self.world.written_to(log) == Some(index) {
            self.world.append(log, between);
            self.settle();
        }
        self.truncate(index);
    }

    fn copy_away_truncate(&mut self, log: Log) {
        let path = self.world.path(log);
        let Some(index) = self.world.at(&path) else { return };
        self.world.complete(log);
        self.world.fill_hole(log);
        if self.is_counted(index) {
            fs::copy(&path, self.folder.path().join("copy")).unwrap();
            self.truncate(index);
        }
    }

    fn truncate(&mut self, index: usize) {
        let file = &mut self.world.files[index];
        OpenOptions::new().write(true).open(&file.path).unwrap().set_len(0).unwrap();
        (file.known, file.has_record, file.uncounted) = (false, false, false);
    }

    fn redirect(&mut self, log: Log, count: u32) {
        let path = self.world.path(log);
        let Some(index) = self.world.at(&path) else { return self.world.append(log, count) };
        self.world.let_go(index);
        if self.is_counted(index) {
            let (records, text) = self.world.records(log, count);
            fs::write(&path, with_header(log, &text)).unwrap();
            self.world.files[index].known = false;
            self.world.wrote(log, index, &records);
        }
    }

    fn rename_over(&mut self, log: Log, count: u32) {
        let path = self.world.path(log);
        if let Some(index) = self.world.at(&path) {
            self.world.let_go(index);
            if !self.is_in_hand(index) && !self.is_counted(index) {
                return;
            }
            self.world.files[index].reach = Reach::Open;
        }
        let (records, text) = self.world.records(log, count);
        let part = self.world.fresh_path(log, ".part");
        fs::create_dir_all(part.parent().unwrap()).unwrap();
        fs::write(&part, with_header(log, &text)).unwrap();
        fs::rename(part, &path).unwrap();
        let index = self.world.track(log, path, Reach::Read);
        self.world.wrote(log, index, &records);
    }

    fn compress(&mut self, log: Log, (suffix, encode): Encoding) {
        let Some(index) = self.world.oldest(log) else { return };
        let file = &self.world.files[index];
        if file.reach != Reach::Read || ENCODINGS.iter().any(|(suffix, _)| ends_with(&file.path, suffix)) {
            return self.remove(index);
        }
        self.world.let_go(index);
        let path = self.world.files[index].path.clone();
        let compressed = PathBuf::from(format!("{}{suffix}", path.display()));
        let data = encode(&fs::read(&path).unwrap());
        // It grows, as under the hands of a tool.
        let (begin, end) = data.split_at(data.len() / 2);
        let mut file = OpenOptions::new().append(true).create_new(true).open(&compressed).unwrap();
        file.write_all(begin).unwrap();
        file.write_all(end).unwrap();
        fs::remove_file(path).unwrap();
        let copy = self.world.track(log, compressed, Reach::Read);
        self.world.files[copy].uncounted = self.world.files[index].uncounted;
        // What it held is in the copy; where it was in part counted already, it still may be read by who has it open.
        self.world.files[index].reach = Reach::Open;
        self.world.files[index].uncounted = false;
    }

    fn remove(&mut self, index: usize) {
        self.world.let_go(index);
        if self.is_in_hand(index) || self.is_counted(index) {
            let file = &mut self.world.files[index];
            fs::remove_file(&file.path).unwrap();
            file.reach = Reach::Open;
        }
    }

    fn move_folder(&mut self) {
        let within: Vec<usize> = (0..self.world.files.len())
            .filter(|index| self.world.files[*index].reach != Reach::Open)
            .collect();
        for index in &within {
            if !self.is_in_hand(*index) {
                self.world.let_go(*index);
                if !self.is_counted(*index) {
                    return;
                }
            }
        }
        let moved = self.world.fresh_path(Log::Json, "");
        let moved = self.folder.path().join(moved.file_name().unwrap());
        fs::rename(self.world.folder(), moved).unwrap();
        fs::create_dir(self.world.folder()).unwrap();
        for index in within {
            self.world.files[index].reach = Reach::Open;
        }
    }

    // The daemon.

    fn daemon(&self) -> &Daemon {
        self.daemon.as_ref().expect("the daemon is up")
    }

    fn start(&mut self) {
        if self.daemon.is_none() {
            let of = |name: &str| self.folder.path().join(name).display().to_string();
            let arguments =
                ["--config.file".to_owned(), of("config.yml"), "--storage.path".to_owned(), of("store")];
            self.daemon = Some(Daemon::serve(arguments));
        }
    }

    fn pause(&mut self) {
        self.daemon().pause();
        self.paused = true;
    }

    fn resume(&mut self) {
        if std::mem::take(&mut self.paused) {
            self.daemon().resume();
        }
    }

    /// Ends the daemon, when nothing would go with it that only it can still read.
    fn down(&mut self, end: impl FnOnce(Daemon)) {
        if self.daemon.is_none() {
            return;
        }
        let only_open = |index: &usize| match self.world.files[*index].reach {
            Reach::Read => false,
            Reach::Away => !self.world.files[*index].known,
            Reach::Open => true,
        };
        let at_risk: Vec<usize> = (0..self.world.files.len()).filter(only_open).collect();
        for index in &at_risk {
            self.world.let_go(*index);
        }
        if at_risk.iter().any(|index| self.world.files[*index].uncounted) {
            self.settle();
        }
        self.resume();
        end(self.daemon.take().expect("the daemon is up"));
        for file in &mut self.world.files {
            file.opened = false;
        }
    }

    /// Whether the file may lose its last name: the daemon has it open.
    fn is_in_hand(&self, index: usize) -> bool {
        self.world.files[index].opened
    }

    /// Whether everything in this file is counted; waits for it, if the daemon is up.
    fn is_counted(&mut self, index: usize) -> bool {
        !self.world.files[index].uncounted || self.settle()
    }

    /// Waits until everything that was written is counted; whether the daemon is up to do so.
    fn settle(&mut self) -> bool {
        self.resume();
        if self.daemon.is_none() {
            return false;
        }
        self.daemon().wait_until_ready();
        let begun = Instant::now();
        while !self.world.truth.is_reached(self.daemon().get("/metrics").text()) && begun.elapsed() < DEADLINE
        {
            thread::sleep(Duration::from_millis(20));
        }
        self.compare();
        self.overwritten = false;
        for file in &mut self.world.files {
            file.opened |= file.has_record;
            file.known = file.has_record;
            file.uncounted = false;
        }
        true
    }

    /// Fails unless the truth is shown, which is never less than before.
    fn compare(&mut self) {
        let shown = self.daemon().metrics();
        for name in ["cdr_calls_total", "cdr_call_failures_total", "cdr_exporter_records_total"] {
            for (labels, before) in self.shown.series(name) {
                let now = shown.series(name).get(&labels).copied();
                assert!(now >= Some(before), "{name}{labels:?} went from {before} to {now:?}");
            }
        }
        self.world.truth.assert_shown(&shown);
        self.shown = shown;
    }
}

fn with_header(log: Log, text: &[u8]) -> Vec<u8> {
    let header = if log == Log::Csv { super::truth::CSV_HEADER.as_bytes() } else { b"" };
    [header, text].concat()
}

fn ends_with(path: &std::path::Path, suffix: &str) -> bool {
    path.as_os_str().as_encoded_bytes().ends_with(suffix.as_bytes())
}

fn idle(time: Duration) {
    let begun = Instant::now();
    wait_until("time passes", || begun.elapsed() > time);
}
