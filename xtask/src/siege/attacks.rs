//! What is done to files. Each attack has a folder of its own, and says how many failed calls it wrote that must count.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use super::Ground;

/// One way to attack.
pub struct Attack {
    /// Of its folder and source.
    pub name: &'static str,
    pub what: &'static str,
    pub play: fn(&Ground<'_>) -> io::Result<u64>,
}

pub const ATTACKS: [Attack; 6] = [
    Attack { name: "live", what: "a writer appends 1,000 rows a second and rotates every 5 s", play: live },
    Attack {
        name: "bombs",
        what: "24 zstd and 24 gzip files cut in a bomb of 160 MiB, and whole files behind them",
        play: bombs,
    },
    Attack {
        name: "damaged",
        what: "files that end in garbage, cut archives, records of 3 MB",
        play: damaged,
    },
    Attack { name: "renames", what: "a file renamed 50 times a second while it grows", play: renames },
    Attack { name: "pairs", what: "20,000 code pairs that no catalogue has", play: pairs },
    Attack { name: "fifos", what: "FIFOs, links to devices and folders in place of files", play: fifos },
];

/// A failed call; no two have the same number and mark.
fn row(mark: &str, number: u64, microsoft_code: u64) -> String {
    format!(
        "{{\"id\":\"{mark}-{number}\",\"callType\":\"ByotOut\",\"successfulCall\":false,\"finalSipCode\":410,\
         \"callEndSubReason\":{microsoft_code},\"endDateTime\":\"2026-11-01T00:00:00Z\",\
         \"trunkFullyQualifiedDomainName\":\"sbc1.contoso.com\"}}\n"
    )
}

fn rows(mark: &str, numbers: std::ops::Range<u64>) -> String {
    numbers.map(|number| row(mark, number, 531_004)).collect()
}

fn append(path: &Path, text: &[u8]) -> io::Result<()> {
    OpenOptions::new().create(true).append(true).open(path)?.write_all(text)
}

fn live(ground: &Ground<'_>) -> io::Result<u64> {
    let (mut written, mut turn, current) = (0, 0, ground.folder.join("calls.ndjson"));
    while !ground.pause(Duration::from_millis(20)) {
        append(&current, rows("live", written..written + 20).as_bytes())?;
        written += 20;
        turn += 1;
        if turn % 250 == 0 {
            fs::rename(&current, ground.folder.join(format!("calls.ndjson.{}", turn / 250)))?;
        }
    }
    Ok(written)
}

/// The beginning of a zstd frame with a window of 128 MiB, and 160 MiB of blank text in it: blocks of 128 KiB that repeat
/// one byte (RFC 8878, 3.1.1.2), none of them the last.
fn zstd_bomb() -> Vec<u8> {
    let block = u32::to_le_bytes((128 * 1024) << 3 | 1 << 1);
    let blocks = [&block[..3], b"\n"].concat().repeat(1280);
    [b"\x28\xb5\x2f\xfd\0\x88", &blocks[..]].concat()
}

/// 160 MiB of blank text in many members, the last of which is cut.
fn gzip_bomb() -> io::Result<Vec<u8>> {
    let member = gzip(&vec![b'\n'; 1024 * 1024])?;
    Ok([member.repeat(160), member[..member.len() / 2].to_vec()].concat())
}

fn gzip(text: &[u8]) -> io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(text)?;
    encoder.finish()
}

fn bombs(ground: &Ground<'_>) -> io::Result<u64> {
    let (zstd_bomb, gzip_bomb, mut written) = (zstd_bomb(), gzip_bomb()?, 0);
    let zstd = |text: &str| zstd::stream::encode_all(text.as_bytes(), 1);
    for number in 0..24 {
        let (first, second) = (rows("zstd", number..number + 1), rows("gzip", number..number + 1));
        let files = [
            (format!("z{number}.ndjson.zst"), [&zstd(&first)?, &zstd_bomb[..]].concat()),
            (format!("g{number}.ndjson.gz"), [&gzip(second.as_bytes())?, &gzip_bomb[..]].concat()),
        ];
        for (name, bytes) in files {
            fs::write(ground.folder.join(name), bytes)?;
            written += 1;
        }
        let whole = rows("whole", number * 100..(number + 1) * 100);
        fs::write(ground.folder.join(format!("whole{number}.ndjson.zst")), zstd(&whole)?)?;
        written += 100;
        if ground.pause(Duration::from_millis(500)) {
            break;
        }
    }
    Ok(written)
}

fn damaged(ground: &Ground<'_>) -> io::Result<u64> {
    let (mut written, mut number) = (0, 0);
    // A cheap source of bytes that are no text.
    let garbage: Vec<u8> = (0..5000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    while number < 300 && !ground.pause(Duration::from_millis(500)) {
        let sound = rows("damaged", number * 10..number * 10 + 10);
        let path = |ending: &str| ground.folder.join(format!("{number}{ending}"));
        match number % 3 {
            0 => fs::write(path(".ndjson"), [sound.as_bytes(), &garbage, b"\n"].concat())?,
            1 => {
                let bytes = gzip(sound.as_bytes())?;
                fs::write(path(".ndjson.gz"), [&bytes[..], &garbage].concat())?;
            }
            _ => {
                let long = format!("{{\"id\":\"{}\"}}\n", "x".repeat(3 * 1024 * 1024));
                fs::write(path(".ndjson"), [sound.as_bytes(), long.as_bytes()].concat())?;
            }
        }
        written += 10;
        number += 1;
    }
    Ok(written)
}

fn renames(ground: &Ground<'_>) -> io::Result<u64> {
    let names = [ground.folder.join("a.ndjson"), ground.folder.join("b.ndjson")];
    append(&names[0], rows("renames", 0..10).as_bytes())?;
    let (mut written, mut turn) = (10, 0);
    while !ground.pause(Duration::from_millis(20)) {
        fs::rename(&names[turn % 2], &names[(turn + 1) % 2])?;
        turn += 1;
        if turn % 10 == 0 {
            append(&names[turn % 2], rows("renames", written..written + 10).as_bytes())?;
            written += 10;
        }
    }
    Ok(written)
}

fn pairs(ground: &Ground<'_>) -> io::Result<u64> {
    let (each, mut written) = (100, 0);
    while written < 20_000 && !ground.pause(Duration::from_millis(50)) {
        let text: String = (written..written + each).map(|at| row("pairs", at, 900_000 + at)).collect();
        append(&ground.folder.join("pairs.ndjson"), text.as_bytes())?;
        written += each;
    }
    Ok(written)
}

fn fifos(ground: &Ground<'_>) -> io::Result<u64> {
    let (mut written, mut number) = (0, 0);
    while number < 200 && !ground.pause(Duration::from_millis(250)) {
        let path = ground.folder.join(format!("{number}.ndjson"));
        match number % 4 {
            0 => drop(Command::new("mkfifo").arg(&path).status()?),
            1 => std::os::unix::fs::symlink("/dev/zero", &path)?,
            2 => fs::create_dir(&path)?,
            // A file takes the place of a FIFO.
            _ => {
                let before = ground.folder.join(format!("{}.ndjson", number - 3));
                let new = ground.folder.join("new");
                fs::write(&new, rows("fifos", number * 10..number * 10 + 10))?;
                fs::rename(&new, before)?;
                written += 10;
            }
        }
        number += 1;
    }
    Ok(written)
}
