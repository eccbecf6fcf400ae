//! Compressed files, and copies of files that were read, whole or in part.

use std::fs::{self, File};
use std::io::Write;

use super::play::{Play, calls, pause};
use crate::tools::files::{append, compress, gzip, utf16, zstd};
use crate::tools::wait_until;

const ENDINGS: [&str; 2] = ["gz", "zst"];

#[test]
fn compressed_under_any_name() {
    let mut play = Play::new();
    for ending in ENDINGS {
        let text = play.rows(10);
        fs::write(play.path(&format!("a.json.{ending}")), compress(&text, ending)).unwrap();
        let text = play.rows(10);
        fs::write(play.path(&format!("{ending}.json")), compress(&text, ending)).unwrap();
    }
    play.settles_at(40, 0);
}

#[test]
fn the_rotated_compressed_copy_appears_and_the_original_goes() {
    let mut play = Play::new();
    for (round, ending) in (1..).zip(ENDINGS) {
        play.append("a.json", 50);
        play.counted(50 * round);
        let text = fs::read(play.path("a.json")).unwrap();
        fs::write(play.path(&format!("a.json.1.{ending}")), compress(&text, ending)).unwrap();
        fs::remove_file(play.path("a.json")).unwrap();
        play.settles_at(50 * round, 0);
    }
    assert_eq!((play.event("copied"), play.event("removed")), (2.0, 2.0));
}

#[test]
fn a_compressed_copy_of_a_file_that_was_read_in_part() {
    for ending in ENDINGS {
        let mut play = Play::new();
        play.append("a.json", 50);
        play.counted(50);
        play.daemon().pause();
        play.append("a.json", 30);
        let text = fs::read(play.path("a.json")).unwrap();
        fs::write(play.path(&format!("a.json.1.{ending}")), compress(&text, ending)).unwrap();
        File::options().write(true).truncate(true).open(play.path("a.json")).unwrap();
        play.append("a.json", 20);
        play.daemon().resume();
        play.settles_at(100, 0);
    }
}

/// What is compressed is not compared byte by byte: the ids of its records tell what is new in it.
#[test]
fn what_begins_alike_and_is_shorter_counts_by_its_ids() {
    for ending in ["gz", "zst", "utf16", "plain"] {
        let encoded = |text: &[u8]| match ending {
            "utf16" => utf16(text),
            "plain" => text.to_vec(),
            _ => compress(text, ending),
        };
        let mut play = Play::not_started("cdr/*.json*");
        play.change_config(|config| config.replace("remember: 0s", "remember: 7d"));
        let whole = play.rows(20);
        fs::write(play.path(&format!("a.json.{ending}")), encoded(&whole)).unwrap();
        play.start();
        play.counted(20);
        let first = whole.split_inclusive(|byte| *byte == b'\n').take(5).flatten().copied();
        let text: Vec<u8> = first.chain(play.rows(7)).collect();
        fs::write(play.path(&format!("b.json.{ending}")), encoded(&text)).unwrap();
        play.counted(27);
        let records =
            |result| play.daemon().metrics().sum("cdr_exporter_records_total", &[("result", result)]);
        assert_eq!((records("counted"), records("duplicate")), (27.0, 5.0), "{ending}");
    }
}

/// Nothing shows yet whose copy it is, and nothing could count.
#[test]
fn a_compressed_copy_whose_first_block_comes_slowly() {
    for ending in ENDINGS {
        let mut play = Play::new();
        play.append("a.json", 50);
        play.counted(50);
        let copy = compress(&fs::read(play.path("a.json")).unwrap(), ending);
        let path = play.path(&format!("a.json.1.{ending}"));
        append(&path, &copy[..40]);
        play.settles_at_with_pending(50, 0);
        append(&path, &copy[40..]);
        play.settles_at(50, 0);
        assert_eq!(play.event("copied"), 1.0);
    }
}

#[test]
fn a_compressed_file_grows_by_frames_and_by_flushed_blocks() {
    let mut play = Play::new();
    let text = play.rows(5);
    append(&play.path("frames.json.zst"), &zstd(&text));
    play.counted(5);
    let text = play.rows(5);
    append(&play.path("frames.json.zst"), &zstd(&text));
    play.counted(10);
    let file = File::create(play.path("blocks.json.zst")).unwrap();
    let mut encoder = zstd::stream::write::Encoder::new(file, 3).unwrap();
    for round in 1..=3 {
        encoder.write_all(&play.rows(5)).unwrap();
        encoder.flush().unwrap();
        play.counted(10 + 5 * round);
    }
    play.kill();
    play.start();
    encoder.write_all(&play.rows(5)).unwrap();
    encoder.finish().unwrap();
    play.settles_at(30, 0);
    assert_eq!(play.event("resumed"), 2.0);
}

#[test]
fn of_a_cut_file_everything_before_the_cut_counts_once() {
    for ending in ENDINGS {
        let mut play = Play::new();
        let whole = compress(&play.rows(4000), ending);
        let path = play.path(&format!("a.json.{ending}"));
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        play.daemon().wait_for_metrics("what came before the cut", |metrics| calls(metrics) > 1000.0);
        append(&path, &whole[whole.len() / 2..]);
        play.settles_at(4000, 0);
    }
}

#[test]
fn what_came_before_damage_counts_once_whatever_comes_after() {
    for ending in ENDINGS {
        let mut play = Play::new();
        let (before, after) = (play.rows(50), play.rows(50));
        let name = format!("a.json.{ending}");
        let damaged = [compress(&before, ending), b"\x1f\x8b\x28\xb5 this is no member".to_vec()].concat();
        fs::write(play.path(&name), damaged).unwrap();
        play.counted(50);
        play.daemon().wait_for_log(&format!("damaged {}", if ending == "gz" { "gzip" } else { "zstd" }));
        play.kill();
        play.start();
        play.settles_at_with_pending(50, 0);
        // The file is mended, in its place and then by a rename.
        let mended = compress(&[before, after].concat(), ending);
        fs::write(play.path(&name), &mended).unwrap();
        play.settles_at(100, 0);
        fs::write(play.path("mended.tmp"), &mended).unwrap();
        play.rename("mended.tmp", &name);
        play.settles_at(100, 0);
    }
}

#[test]
fn a_file_is_replaced_by_its_like_under_another_inode() {
    let mut play = Play::new();
    play.append("a.json", 5000);
    play.counted(5000);
    let again = |play: &Play| {
        fs::copy(play.path("a.json"), play.path("a.tmp")).unwrap();
        play.rename("a.tmp", "a.json");
    };
    again(&play);
    play.append("a.json", 10);
    play.settles_at(5010, 0);
    // As after a restart with the file system mounted anew: path and content are the same, the inode is another.
    play.stop();
    again(&play);
    play.append("a.json", 10);
    play.start();
    play.settles_at(5020, 0);
}

#[test]
fn a_shorter_file_that_begins_alike_is_another_one() {
    let mut play = Play::new();
    let common = play.rows(20);
    append(&play.path("a.json"), &[&common[..], &play.rows(60)].concat());
    play.counted(80);
    let other = [&common[..], &play.rows(10)].concat();
    append(&play.path("b.json"), &other);
    fs::write(play.path("c.json.gz"), gzip(&[&common[..], &play.rows(5)].concat())).unwrap();
    play.settles_at(80 + 30 + 25, 0);
    // What is the same to its end is a copy that was cut.
    append(&play.path("d.json"), &other[..other.len() / 2]);
    play.settles_at(80 + 30 + 25, 0);
}

/// Such as a log with the same preamble each day. Where ids are not remembered, it may be a copy of which the end is missing.
#[test]
fn what_begins_like_a_file_that_is_gone_is_pending_until_it_is_longer() {
    let mut play = Play::new();
    let preamble = play.rows(20);
    append(&play.path("a.json"), &[&preamble[..], &play.rows(60)].concat());
    play.counted(80);
    fs::remove_file(play.path("a.json")).unwrap();
    wait_until("the removal to be seen", || play.event("removed") == 1.0);
    let other = [&preamble[..], &play.rows(10)].concat();
    append(&play.path("b.json"), &other);
    wait_until("the file to wait", || {
        play.daemon()
            .get("/-/files")
            .text()
            .contains("begins like a file that was read, which cannot be compared any more")
    });
    play.daemon().wait_for_metrics("its bytes to be pending", |metrics| {
        metrics.sum("cdr_exporter_pending_bytes", &[]) == other.len() as f64
    });
    let more = play.rows(80);
    append(&play.path("b.json"), &more);
    play.settles_at(80 + 110, 0);
}

/// Both are large enough for threads of their own.
#[test]
fn a_large_copy_that_is_there_at_the_start() {
    let mut play = Play::not_started("cdr/*.json");
    let text = play.rows(12_000);
    for name in ["a.json", "b.json", "c.json"] {
        fs::write(play.path(name), &text).unwrap();
    }
    play.start();
    play.daemon().wait_until_ready();
    play.settles_at(12_000, 0);
    assert_eq!(play.event("copied"), 2.0);
}

/// A file that is excluded while a thread reads it is let go, and not followed as if it were renamed.
#[test]
fn a_large_file_is_excluded_while_it_is_read() {
    let mut play = Play::not_started("cdr/*.json");
    let text = play.rows(40_000);
    fs::write(play.path("a.json"), &text).unwrap();
    play.start();
    let other = play.folder.path().join("other/*");
    play.reload(|config| {
        config.replace(
            &play.folder.path().join("cdr/*.json").display().to_string(),
            &other.display().to_string(),
        )
    });
    play.daemon()
        .wait_for_metrics("the file is let go", |metrics| metrics.sum("cdr_exporter_files", &[]) == 0.0);
    let read = play.daemon().metrics().sum("cdr_exporter_read_bytes_total", &[]);
    play.append("a.json", 100);
    pause(std::time::Duration::from_secs(2));
    assert_eq!(play.daemon().metrics().sum("cdr_exporter_read_bytes_total", &[]), read);
}
