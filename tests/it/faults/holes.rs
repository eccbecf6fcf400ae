//! Bytes that come out of order: blocks that are written seconds or minutes after those behind them, and text that
//! changes far behind where it was read.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, SystemTime};

use super::play::{Play, impatient, pause};
use crate::tools::files::{append, gzip, zip};
use crate::tools::{find, run, succeed, wait_until};

const BLOCK: usize = 4096;

/// Writes these bytes there, and nothing else.
fn write_at(path: &Path, bytes: &[u8], offset: usize) {
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path).unwrap();
    file.write_all_at(bytes, offset as u64).unwrap();
}

/// A play whose source remembers ids, if it is to.
fn remembering(mut play: Play, remembers: bool) -> Play {
    if remembers {
        play.stop();
        let config = play.folder.path().join("config.yml");
        let text = fs::read_to_string(&config).unwrap();
        fs::write(config, text.replace("remember: 0s", "remember: 7d")).unwrap();
        play.start();
        play.daemon().wait_until_ready();
    }
    play
}

fn hole_rejections(play: &Play) -> f64 {
    play.daemon().metrics().sum("cdr_exporter_rejected_records_total", &[("reason", "hole")])
}

fn status(play: &Play) -> String {
    let address = format!("--web.listen-address={}", play.daemon().address());
    run(["status", &address]).stdout
}

#[test]
fn a_block_is_written_after_the_block_behind_it() {
    for remembers in [false, true] {
        for kills in [false, true] {
            let mut play = remembering(Play::new(), remembers);
            let text = play.rows(100);
            let path = play.path("a.json");
            write_at(&path, &text[..2 * BLOCK], 0);
            write_at(&path, &text[3 * BLOCK..], 3 * BLOCK);
            let before = text[..2 * BLOCK].iter().filter(|byte| **byte == b'\n').count();
            play.settles_at_with_pending(before as u64, 0);
            assert!(status(&play).contains("waits for the bytes from 8192 on"), "{}", status(&play));
            if kills {
                play.kill();
                play.start();
                play.settles_at_with_pending(before as u64, 0);
            }
            // More is appended behind, and still waits.
            play.append("a.json", 10);
            play.settles_at_with_pending(before as u64, 0);
            write_at(&path, &text[2 * BLOCK..3 * BLOCK], 2 * BLOCK);
            play.settles_at(110, 0);
            assert_eq!(play.event("hole_filled"), f64::from(u8::from(true)));
            assert_eq!(play.event("replaced"), 0.0);
        }
    }
}

#[test]
fn a_hole_that_nobody_fills_is_given_up_and_counts_when_it_is_filled_after_all() {
    for (rows, remembers, kills) in
        [(100, false, false), (100, true, true), (100, false, true), (5000, false, false)]
    {
        let mut play = remembering(impatient("cdr/*.json"), remembers);
        let text = play.rows(rows);
        let path = play.path("a.json");
        let (begin, end) = (2 * BLOCK, 4 * BLOCK);
        write_at(&path, &text[..begin], 0);
        write_at(&path, &text[end..], end);
        let lines = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count() as u64;
        // The rest of a line behind the hole has a line end, and is no row.
        let there = lines(&text[..begin]) + lines(&text[end..]) - 1;
        play.settles_at(there, 2);
        assert_eq!(hole_rejections(&play), 2.0);
        assert!(status(&play).contains("8192 bytes were never written"), "{}", status(&play));
        play.daemon().wait_for_log("bytes were not written for longer than unfinished_after");
        if kills {
            play.kill();
        }
        write_at(&path, &text[begin..end], begin);
        if kills {
            play.start();
        }
        play.settles_at(rows, 2);
        assert_eq!((play.event("hole_filled"), play.event("replaced")), (1.0, 0.0));
        play.append("a.json", 10);
        play.settles_at(rows + 10, 2);
        play.kill();
        play.start();
        play.settles_at(rows + 10, 2);
        play.stop();
        let of = |name: &str| play.folder.path().join(name).display().to_string();
        let audit = run(["audit", "--config.file", &of("config.yml"), "--storage.path", &of("store")]);
        assert_eq!(audit.code, Some(0), "{audit:?}");
    }
}

#[test]
fn a_hole_is_filled_in_part_and_later_to_its_end() {
    let mut play = impatient("cdr/*.json");
    let text = play.rows(100);
    let path = play.path("a.json");
    write_at(&path, &text[..BLOCK], 0);
    write_at(&path, &text[4 * BLOCK..], 4 * BLOCK);
    play.daemon().wait_for_log("bytes were not written for longer than unfinished_after");
    write_at(&path, &text[2 * BLOCK..3 * BLOCK], 2 * BLOCK);
    pause(Duration::from_secs(3));
    write_at(&path, &text[BLOCK..2 * BLOCK], BLOCK);
    write_at(&path, &text[3 * BLOCK..4 * BLOCK], 3 * BLOCK);
    play.counted(100);
    pause(Duration::from_secs(2));
    play.counted(100);
    assert_eq!(play.event("replaced"), 0.0);
}

#[test]
fn the_end_of_a_file_of_full_size_is_missing() {
    let mut play = impatient("cdr/*.json");
    let text = play.rows(50);
    let path = play.path("a.json");
    File::create(&path).unwrap().set_len(text.len() as u64).unwrap();
    write_at(&path, &text[..2 * BLOCK], 0);
    let before = text[..2 * BLOCK].iter().filter(|byte| **byte == b'\n').count();
    play.settles_at_with_pending(before as u64, 1);
    write_at(&path, &text[2 * BLOCK..], 2 * BLOCK);
    play.settles_at(50, 1);
}

/// Blocks in any order, the first one and the last one not first, and the daemon killed between them.
#[test]
fn a_parallel_download_into_a_file_of_full_size() {
    let seed = std::env::var("HOLES_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("HOLES_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut play = Play::new();
    let mut expected = 0;
    for download in 0..4 {
        let rows = random.u64(200..6000);
        expected += rows;
        let text = play.rows(rows);
        let path = play.path(&format!("{download}.json"));
        File::create(&path).unwrap().set_len(text.len() as u64).unwrap();
        let mut blocks: Vec<usize> = (0..text.len()).step_by(16 * BLOCK).collect();
        random.shuffle(&mut blocks);
        let kills = random.usize(..blocks.len());
        for (number, at) in blocks.into_iter().enumerate() {
            write_at(&path, &text[at..text.len().min(at + 16 * BLOCK)], at);
            if number == kills {
                play.kill();
                play.start();
            }
            pause(Duration::from_millis(random.u64(..60)));
        }
    }
    play.settles_at(expected, 0);
    assert_eq!(play.event("replaced"), 0.0);
}

#[test]
fn a_copy_by_rsync_into_the_file_itself() {
    let rsync = find("rsync", "rsync");
    let mut play = remembering(Play::new(), true);
    let [from, to] = [play.folder.path().join("from.json"), play.path("a.json")];
    let sync =
        || succeed(Command::new(&rsync).args(["-t", "--inplace", "--no-whole-file"]).args([&from, &to]));
    append(&from, &play.rows(3000));
    sync();
    play.counted(3000);
    // It grows: what is there stays.
    append(&from, &play.rows(2000));
    sync();
    play.settles_at(5000, 0);
    assert_eq!(play.event("replaced"), 0.0);
    // Rows in its midst become others.
    for (kills, place, expected) in [(false, 100, 5020), (true, 3000, 5040)] {
        let rows = play.rows(20);
        write_at(&from, &rows, rows.len() / 20 * place);
        if kills {
            play.kill();
        }
        sync();
        if kills {
            play.start();
        }
        play.settles_at(expected, 0);
    }
    assert_eq!(play.event("replaced"), 2.0);
}

#[test]
fn rows_far_behind_the_end_become_others() {
    for kills in [false, true] {
        let mut play = Play::new();
        play.append("a.json", 2000);
        play.counted(2000);
        pause(Duration::from_secs(1));
        if kills {
            play.kill();
        }
        let rows = play.rows(1);
        let before = fs::metadata(play.path("a.json")).unwrap();
        write_at(&play.path("a.json"), &rows, rows.len() * 700);
        File::options()
            .write(true)
            .open(play.path("a.json"))
            .unwrap()
            .set_modified(before.modified().unwrap())
            .unwrap();
        if kills {
            play.start();
        }
        // It is another text: where no ids are remembered, all of it counts.
        play.settles_at(4000, 0);
        assert_eq!(play.event("replaced"), 1.0);
        play.rename("a.json", "a.json.1");
        play.settles_at(4000, 0);
        assert_eq!(play.event("replaced"), 1.0);
    }
}

#[test]
fn a_file_that_nobody_changes_is_not_read_once_more() {
    let mut play = Play::not_started("cdr/*.json*");
    play.append("a.json", 2000);
    pause(Duration::from_secs(3));
    play.start();
    play.daemon().wait_until_ready();
    play.counted(2000);
    play.rename("a.json", "a.json.1");
    pause(Duration::from_secs(2));
    let read = fs::read_to_string(format!("/proc/{}/io", play.daemon().id())).unwrap();
    let read: u64 = read.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap();
    let size = fs::metadata(play.path("a.json.1")).unwrap().len();
    assert!(read < size * 2, "{read} of {size} bytes");
}

#[test]
fn a_file_of_written_zeros_is_searched_once() {
    let mut play = Play::not_started("cdr/*.json");
    append(&play.folder.path().join("config.yml"), b"unfinished_after: 1s\n");
    play.append("a.json", 5);
    append(&play.path("a.json"), &vec![0; 60 << 20]);
    play.start();
    play.daemon().wait_until_ready();
    play.counted(5);
    pause(Duration::from_secs(6));
    let read = fs::read_to_string(format!("/proc/{}/io", play.daemon().id())).unwrap();
    let read: u64 = read.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap();
    assert!(read < 150 << 20, "{read} bytes");
}

#[test]
fn a_copy_of_a_file_that_waits_at_a_hole() {
    for is_compressed in [false, true] {
        let mut play = Play::new();
        let text = play.rows(100);
        let path = play.path("a.json");
        write_at(&path, &text[..2 * BLOCK], 0);
        write_at(&path, &text[3 * BLOCK..], 3 * BLOCK);
        let before = text[..2 * BLOCK].iter().filter(|byte| **byte == b'\n').count() as u64;
        play.counted(before);
        let there = fs::read(&path).unwrap();
        match is_compressed {
            true => fs::write(play.path("a.json.1.gz"), gzip(&there)).unwrap(),
            false => fs::write(play.path("a.json.1"), &there).unwrap(),
        }
        play.settles_at_with_pending(before, 0);
        write_at(&path, &text[2 * BLOCK..3 * BLOCK], 2 * BLOCK);
        play.counted(100);
        pause(Duration::from_secs(2));
        play.counted(100);
    }
}

/// All of it is read in one go, for nothing can be read later: not a byte at a time.
#[test]
fn a_file_that_waits_at_a_hole_is_removed() {
    let mut play = Play::new();
    let text = play.rows(6_000);
    let path = play.path("a.json");
    write_at(&path, &text[..2 * BLOCK], 0);
    write_at(&path, &text[3 * BLOCK..], 3 * BLOCK);
    let rows = |text: &[u8]| text.iter().filter(|byte| **byte == b'\n').count() as u64;
    let before = rows(&text[..2 * BLOCK]);
    play.settles_at_with_pending(before, 0);
    fs::remove_file(path).unwrap();
    play.counted(before + rows(&text[3 * BLOCK..]) - 1);
}

/// The same rows as one gzip member, as many, and as a zstd frame.
fn compressed(rows: &[u8]) -> [(Vec<u8>, &'static str); 3] {
    let members = rows.chunks(rows.len() / 20).flat_map(gzip).collect();
    let frame = zstd::encode_all(rows, 3).unwrap();
    [(gzip(rows), "a.json.gz"), (members, "a.json.gz"), (frame, "a.json.zst")]
}

/// Zeros would be unpacked to rows that nobody wrote.
#[test]
fn a_hole_in_a_compressed_file_is_waited_for() {
    for (shape, kills) in [(0, false), (1, true), (2, false), (0, true)] {
        let mut play = Play::new();
        let rows = play.rows(4000);
        let (whole, name) = &compressed(&rows)[shape];
        let path = play.path(name);
        let mut hole = whole.len() / 3..whole.len() / 3 * 2;
        hole.start = whole[..hole.start].iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let mut with_hole = whole.clone();
        with_hole[hole.clone()].fill(0);
        fs::write(&path, with_hole).unwrap();
        let waits = format!("waits for the bytes from {} on", hole.start);
        play.daemon().wait_for_metrics("the hole", |_| status(&play).contains(&waits));
        assert_eq!(play.event("hole_filled"), 0.0);
        if kills {
            play.kill();
            play.start();
        }
        // From the back, and in two parts.
        let middle = hole.start.midpoint(hole.end);
        write_at(&path, &whole[middle..hole.end], middle);
        write_at(&path, &whole[hole.start..middle], hole.start);
        play.settles_at(4000, 0);
        assert_eq!(play.event("replaced"), 0.0);
    }
}

#[test]
fn documents_in_utf16_are_filled_from_the_back() {
    let mut play = Play::new();
    let units = |text: Vec<u8>| {
        let text = String::from_utf8(text).unwrap();
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect::<Vec<u8>>()
    };
    let documents: Vec<_> =
        (0..7).map(|number| units(documents(&play.rows(100)).swap_remove(number))).collect();
    for part in (0..4).rev() {
        for (number, text) in documents.iter().enumerate() {
            let path = play.path(&format!("{number}.json"));
            let ends = [part, part + 1].map(|end| (text.len() * end / 4) & !1);
            write_at(&path, &text[ends[0]..ends[1]], ends[0]);
        }
        if part > 0 {
            play.settles_at_with_pending(0, 0);
        }
    }
    play.settles_at(700, 0);
    assert_eq!(play.event("replaced"), 0.0);
}

#[test]
fn a_compressed_file_of_full_size_is_filled_from_its_front() {
    for shape in 0..3 {
        let mut play = Play::new();
        let rows = play.rows(4000);
        let (whole, name) = &compressed(&rows)[shape];
        let path = play.path(name);
        File::create(&path).unwrap().set_len(whole.len() as u64).unwrap();
        // What ends with zeros of its own seems to wait earlier.
        let written = |end: usize| whole[..end].iter().rposition(|byte| *byte != 0).unwrap() + 1;
        let mut ends = [1, 2, 3].map(|part| written(whole.len() / 4 * part)).to_vec();
        ends.push(whole.len());
        let mut begin = 0;
        for end in ends {
            write_at(&path, &whole[begin..end], begin);
            let waits = format!("waits for the bytes from {end} on");
            play.daemon()
                .wait_for_metrics("the next part", |_| end == whole.len() || status(&play).contains(&waits));
            begin = end;
        }
        play.settles_at(4000, 0);
        assert_eq!(play.event("replaced"), 0.0);
    }
}

#[test]
fn a_hole_in_a_compressed_file_is_given_up_and_counts_when_it_is_filled_after_all() {
    for kills in [false, true] {
        let mut play = impatient("cdr/*.gz");
        let rows = play.rows(4000);
        let (whole, name) = &compressed(&rows)[1];
        let path = play.path(name);
        let hole = whole.len() / 2..whole.len() / 2 + 2 * BLOCK;
        let mut with_hole = whole.clone();
        with_hole[hole.clone()].fill(0);
        fs::write(&path, with_hole).unwrap();
        play.daemon().wait_for_metrics("the damage", |metrics| {
            metrics.sum("cdr_exporter_files", &[("state", "unreadable")]) == 1.0
        });
        if kills {
            play.kill();
        }
        write_at(&path, &whole[hole.clone()], hole.start);
        if kills {
            play.start();
        }
        // Whatever the zeros were unpacked to was rejected.
        play.counted(4000);
        pause(Duration::from_secs(2));
        play.counted(4000);
    }
}

#[test]
fn a_damaged_file_that_is_renamed_is_no_other() {
    let mut play = Play::new();
    let mut damaged = gzip(&play.rows(4000));
    let middle = damaged.len() / 2;
    damaged[middle..middle + 2 * BLOCK].fill(0xff);
    // All of it at once: what grows while it is read is another file once its damage is known.
    fs::write(play.path("a.tmp"), damaged).unwrap();
    play.rename("a.tmp", "a.json.gz");
    play.daemon().wait_for_metrics("the damage", |metrics| {
        metrics.sum("cdr_exporter_files", &[("state", "unreadable")]) == 1.0
    });
    play.rename("a.json.gz", "a.json.1.gz");
    play.daemon().wait_for_metrics("the new name", |_| play.event("rotated") == 1.0);
    pause(Duration::from_secs(2));
    assert_eq!((play.event("replaced"), play.event("copied")), (0.0, 0.0));
}

#[test]
fn stray_nuls_are_no_hole() {
    let mut play = Play::new();
    for _ in 0..20 {
        play.append("a.json", 1);
        append(&play.path("a.json"), b"\0");
    }
    play.append("a.json", 1);
    play.settles_at_with_pending(21, 0);
    let mut file = OpenOptions::new().append(true).open(play.path("a.json")).unwrap();
    file.write_all(b"\n").unwrap();
    play.settles_at(21, 0);
}

/// The same rows as an array in one line, a row a line and a property a line, and as pages with each of these.
fn documents(rows: &[u8]) -> Vec<Vec<u8>> {
    let lines: Vec<&str> = std::str::from_utf8(rows).unwrap().lines().collect();
    let page = |array: &str| {
        format!(r#"{{"@odata.context":"https://graph.example/v1.0/$metadata","value":{array}}}"#)
    };
    let value: serde_json::Value = serde_json::from_str(&format!("[{}]", lines.join(","))).unwrap();
    let (one, each) = (format!("[{}]", lines.join(",")), format!("[{}]\n", lines.join(",\n")));
    let pretty = serde_json::to_string_pretty(&value).unwrap();
    // What stands within a row may look like one.
    let nested = one.replace(
        "\"callType\"",
        "\"legs\":[{\"k\":1},{\"k\":{\"l\":[{},[]]}}],\"of\":\"},{\\\"\",\"callType\"",
    );
    let arrays = [one, each, pretty];
    let arrays = arrays.into_iter().flat_map(|array| [page(&array), array]);
    arrays.chain([nested]).map(String::into_bytes).collect()
}

#[test]
fn a_hole_in_one_document_is_given_up_and_counts_when_it_is_filled_after_all() {
    for hole in [0..BLOCK, 0..50, BLOCK..2 * BLOCK, 2 * BLOCK..4 * BLOCK] {
        let mut play = impatient("cdr/*.json");
        let documents: Vec<_> = (0..7).map(|number| documents(&play.rows(100)).swap_remove(number)).collect();
        for (number, text) in documents.iter().enumerate() {
            let path = play.path(&format!("{number}.json"));
            write_at(&path, &text[..hole.start], 0);
            write_at(&path, &text[hole.end..], hole.end);
        }
        play.daemon().wait_for_metrics("holes are given up", |_| {
            let status = status(&play);
            // What stands behind a hole in its head is of no format.
            let given_up = ["never written, and were given up", "  unrecognised  "];
            given_up.into_iter().map(|words| status.matches(words).count()).sum::<usize>() == documents.len()
        });
        // The longest one is filled in parts, its midst first.
        let third = hole.len() / 3;
        let (whole, thirds) = (0..hole.len(), [third..2 * third, 0..third, 2 * third..hole.len()]);
        let parts = if hole.len() > BLOCK { &thirds[..] } else { std::slice::from_ref(&whole) };
        for part in parts {
            let range = hole.start + part.start..hole.start + part.end;
            for (number, text) in documents.iter().enumerate() {
                write_at(&play.path(&format!("{number}.json")), &text[range.clone()], range.start);
            }
            pause(Duration::from_secs(2));
        }
        let all = 100 * documents.len() as u64;
        play.counted(all);
        pause(Duration::from_secs(2));
        play.counted(all);
        assert_eq!(play.event("replaced"), 0.0);
        play.kill();
        play.start();
        play.daemon().wait_until_ready();
        play.counted(all);
    }
}

#[test]
fn holes_in_rows_with_quotes_and_line_breaks_are_given_up_and_count_when_they_are_filled_after_all() {
    for (note, more) in [("One,\r\n\"\"two\"\"\r\nthree", "four\r\n"), ("One, two", "three")] {
        let row = |number: usize| {
            format!("c1000000-05ec-4a1b-8c2d-{number:012},\"{note}\",No,ByotIn,410,531004,\"{more}\"\r\n")
        };
        let header = "id,note,successfulCall,callType,finalSipCode,callEndSubReason,more\r\n";
        let (text, row_bytes) = (header.to_owned() + &(0..100).map(row).collect::<String>(), row(0).len());
        let text = text.as_bytes();
        let mut play = impatient("cdr/*.csv");
        // Two holes; the first begins and ends at every second byte of a row.
        let holes: Vec<_> = (0..row_bytes)
            .step_by(2)
            .map(|at| {
                let begin = header.len() + 20 * row_bytes + at;
                let end = begin + 10 * row_bytes + (row_bytes - at) / 2;
                [begin..end, end + 30 * row_bytes..end + 40 * row_bytes + 3]
            })
            .collect();
        for (number, holes) in holes.iter().enumerate() {
            let mut there = text.to_vec();
            holes.iter().for_each(|hole| there[hole.clone()].fill(0));
            fs::write(play.path(&format!("{number}.csv")), there).unwrap();
        }
        play.daemon().wait_for_metrics("holes are given up", |_| {
            status(&play).matches("never written, and were given up").count() == holes.len()
        });
        for place in [1, 0] {
            for (number, holes) in holes.iter().enumerate() {
                let hole = holes[place].clone();
                write_at(&play.path(&format!("{number}.csv")), &text[hole.clone()], hole.start);
            }
            play.daemon().wait_for_metrics("holes are filled", |_| {
                play.event("hole_filled") == ((2 - place) * holes.len()) as f64
            });
        }
        let all = 100 * holes.len() as u64;
        play.counted(all);
        play.kill();
        play.start();
        play.daemon().wait_until_ready();
        play.counted(all);
        assert_eq!(play.event("replaced"), 0.0);
    }
}

/// What a file of these rows looks like in each container that is told by its first bytes.
fn containers(rows: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let text = std::str::from_utf8(rows).unwrap();
    let utf16 = |text: &str| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
    };
    let columns = "id,successfulCall,callType,finalSipCode,callEndSubReason,endDateTime";
    let wide: String = (0..400).map(|column| format!(",customDimension{column:04}")).collect();
    let row = |row: &str| {
        let row: serde_json::Value = serde_json::from_str(row).unwrap();
        let cells: Vec<String> =
            columns.split(',').map(|name| row[name].to_string().trim_matches('"').to_owned()).collect();
        cells.join(",") + &",x".repeat(400) + "\n"
    };
    let csv = format!("{columns}{wide}\n{}", text.lines().map(row).collect::<String>());
    vec![
        ("a.json", rows.to_vec()),
        ("gz.json", gzip(rows)),
        ("utf16.json", utf16(text)),
        ("wide.json", csv.clone().into_bytes()),
        ("wide16.json", utf16(&csv)),
        ("zip.json", zip(&[("DirectRouting.calls.1.csv", csv.as_bytes()), ("noise.bin", &noise(20_000))])),
    ]
}

/// Bytes that do not get smaller when they are packed.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 1_u64;
    std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    })
    .take(length)
    .collect()
}

/// Plays this for each place of a hole, in a daemon that waits for it and in one that gives it up: with the files as they are to be,
/// and where the hole of each is.
fn with_each_hole(play_it: impl Fn(&Play, &[(&str, Vec<u8>, Range<usize>)])) {
    for is_patient in [true, false] {
        for hole in [0..usize::MAX, 0..BLOCK, BLOCK..usize::MAX, BLOCK..2 * BLOCK] {
            let play = if is_patient { Play::of("cdr/*.json") } else { impatient("cdr/*.json") };
            // What was given up of UTF-16 is read again as another text.
            let mut play = remembering(play, !is_patient);
            let files: Vec<_> = (0..6)
                .map(|number| {
                    let (name, bytes) = containers(&play.rows(100)).swap_remove(number);
                    let hole = hole.start.min(bytes.len())..hole.end.min(bytes.len());
                    (name, bytes, hole)
                })
                .collect();
            play_it(&play, &files);
            play.counted(600);
            pause(Duration::from_secs(2));
            play.counted(600);
            assert!(!status(&play).contains("not written yet"), "{}", status(&play));
        }
    }
}

#[test]
fn a_file_of_full_size_counts_when_it_is_filled_whatever_it_is() {
    with_each_hole(|play, files| {
        for (name, bytes, hole) in files {
            let path = play.path(name);
            File::create(&path).unwrap().set_len(bytes.len() as u64).unwrap();
            write_at(&path, &bytes[..hole.start], 0);
            write_at(&path, &bytes[hole.end..], hole.end);
        }
        // Each was looked at, and given up where that is not waited for.
        pause(Duration::from_secs(3));
        for (name, bytes, hole) in files {
            write_at(&play.path(name), &bytes[hole.clone()], hole.start);
        }
    });
}

/// Maps the files named into memory, says so, and writes what comes in as many lines of hexadecimal digits, at each line's
/// offset. The pages are made ready before, so that the system sets no time when they are written.
const MAPPED_WRITER: &str = "
import mmap, sys
maps = []
for path in sys.argv[1:]:
    with open(path, 'r+b') as file:
        maps.append(mmap.mmap(file.fileno(), 0))
    for page in range(0, len(maps[-1]), 4096):
        maps[-1][page] = maps[-1][page]
print('ready', flush=True)
for map, line in zip(maps, sys.stdin):
    offset, text = line.split(' ')
    text = bytes.fromhex(text)
    map[int(offset):int(offset) + len(text)] = text
";

#[test]
fn what_is_written_after_its_time_was_set_counts() {
    with_each_hole(|play, files| {
        for (name, bytes, hole) in files {
            let mut bytes = bytes.clone();
            bytes[hole.clone()].fill(0);
            fs::write(play.path(name), bytes).unwrap();
        }
        let mut writer = Command::new("/usr/bin/python3")
            .args(["-c", MAPPED_WRITER])
            .args(files.iter().map(|(name, ..)| play.path(name)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3: install Debian's python3");
        let mut ready = String::new();
        BufReader::new(writer.stdout.take().unwrap()).read_line(&mut ready).unwrap();
        assert_eq!(ready, "ready\n");
        // Each was looked at, and given up where that is not waited for; and then with the time of what comes only later.
        pause(Duration::from_secs(3));
        for (name, ..) in files {
            File::options()
                .write(true)
                .open(play.path(name))
                .unwrap()
                .set_modified(SystemTime::now())
                .unwrap();
        }
        pause(Duration::from_secs(1));
        let mut lines = writer.stdin.take().unwrap();
        for (_, bytes, hole) in files {
            let text: String = bytes[hole.clone()].iter().map(|byte| format!("{byte:02x}")).collect();
            writeln!(lines, "{} {text}", hole.start).unwrap();
        }
        drop(lines);
        assert!(writer.wait().unwrap().success());
    });
}

#[test]
fn what_is_no_record_is_told_of_once_however_it_grows() {
    let play = Play::new();
    let path = play.path("program.json");
    fs::write(&path, [b"\x7fELF\0\0\0\0".as_slice(), &noise(5000)].concat()).unwrap();
    let told = || play.daemon().log().iter().filter(|line| line.contains("not read")).count();
    wait_until("it is told of", || told() == 1);
    for _ in 0..3 {
        append(&path, &noise(3000));
        // Until its time is old.
        pause(Duration::from_secs(3));
    }
    assert_eq!(told(), 1, "{:?}", play.daemon().log());
}
