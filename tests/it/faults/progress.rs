//! Every turn of a file comes to something: whatever it holds, it is read to its end, and not over and over again.

use std::fs;
use std::time::Duration;

use super::play::{Play, calls, pause};
use crate::tools::files::{append, compress};

/// What a daemon keeps of a record at most, here: less than it looks at ahead, and more than a step of unpacking adds.
const RECORD_BYTES: [usize; 2] = [4 * 1024, 600 * 1024];

/// A file is looked at before it is read, and a read asks for more than is there: so much for each file.
const LOOKS: usize = 64 * 1024;

/// More than a turn reads, and than a record may have.
const LONG: usize = 1_500_000;

fn play() -> Play {
    play_with(RECORD_BYTES[0])
}

fn play_with(record_bytes: usize) -> Play {
    let play = Play::not_started("cdr/*");
    append(
        &play.folder.path().join("config.yml"),
        format!("unfinished_after: 1s\nlimits: {{record_bytes: '{record_bytes}'}}\n").as_bytes(),
    );
    play
}

/// Text in which nothing can be read, of about `length` bytes: what a record is waited for in.
fn endless(random: &mut fastrand::Rng, length: usize) -> Vec<u8> {
    let text = |unit: &str| unit.repeat(length / unit.len()).into_bytes();
    let beginnings: [(&str, &str); 8] = [
        ("{\"responses\":[", "{\"status\":200,\"body\":{\"x\":1}},"),
        ("{\"calls\":[\n", "  {\n    \"id\": \"x\"\n  },\n"),
        ("[\n", "  {\n    \"a\": {\n"),
        ("{\"id\":\"", "x"),
        ("{\"a\":1,", " "),
        ("CorrelationId,Success,Final SIP code\nc1,No,\"", "y "),
        ("CorrelationId,Success,Final SIP code\nc1,No", ",z"),
        ("", "\n"),
    ];
    let (beginning, unit) = random.choice(beginnings).expect("some");
    [beginning.as_bytes(), &text(unit)].concat()
}

fn total_bytes(play: &Play) -> usize {
    let files = fs::read_dir(play.path("")).unwrap().flatten();
    files.map(|file| usize::try_from(file.metadata().unwrap().len()).unwrap()).sum()
}

fn read_bytes(play: &Play) -> f64 {
    play.daemon().metrics().sum("cdr_exporter_read_bytes_total", &[])
}

/// The ordinary trigger: an envelope that is not known, so the file is one record.
#[test]
fn a_first_record_that_is_too_long_is_rejected_once_and_what_follows_counts() {
    let endings = ["", "gz", "zst", "zip"].into_iter();
    for (ending, record_bytes) in endings.flat_map(|ending| RECORD_BYTES.map(|bytes| (ending, bytes))) {
        let mut play = play_with(record_bytes);
        let rows = play.rows(5);
        let envelope =
            [b"{\"answers\":[".as_slice(), &b"{\"status\":200},".repeat(LONG / 15), b"{}]}\n"].concat();
        let text = [envelope, rows].concat();
        match ending {
            "" => fs::write(play.path("a.json"), text).unwrap(),
            ending => fs::write(play.path("a.json"), compress(&text, ending)).unwrap(),
        }
        play.start();
        play.daemon().wait_until_ready();
        play.settles_at(5, 1);
        let too_long = [("reason", "too_long")];
        assert_eq!(play.daemon().metrics().sum("cdr_exporter_rejected_records_total", &too_long), 1.0);
    }
}

#[test]
fn any_file_is_read_to_its_end_and_no_more_than_three_times() {
    let seed =
        std::env::var("PROGRESS_SEED").map_or_else(|_| fastrand::u64(..), |seed| seed.parse().unwrap());
    println!("PROGRESS_SEED={seed}");
    let mut random = fastrand::Rng::with_seed(seed);
    let mut play = play_with(*random.choice(&RECORD_BYTES).expect("some"));
    let names: Vec<String> = (0..16).map(|number| format!("{number}.json")).collect();
    for name in &names {
        let length = random.usize(1_000..LONG);
        let text = endless(&mut random, length);
        let text = match random.choice(["", "", "gz", "zst", "zip"]).expect("some") {
            "" => text,
            ending => compress(&text, ending),
        };
        fs::write(play.path(name), text).unwrap();
    }
    play.start();
    play.daemon().wait_until_ready();
    for _ in 0..20 {
        let name = random.choice(&names).expect("some");
        let length = random.usize(1..100_000);
        append(&play.path(name), &endless(&mut random, length));
        // A sound file beside them shows that each is seen by itself, as a writer's are, and that none keeps it waiting. What
        // is foreign or damaged need not be read at once.
        let before = calls(&play.daemon().metrics());
        play.append("sound.ndjson", 1);
        play.daemon().wait_for_metrics("a sound row", |metrics| calls(metrics) > before);
    }
    pause(Duration::from_secs(2));
    let read = read_bytes(&play);
    let most = 3 * total_bytes(&play) + LOOKS * names.len();
    assert!(read <= most as f64, "{read} of {most} bytes");
    pause(Duration::from_secs(2));
    assert_eq!(read_bytes(&play), read, "nothing changed, so nothing is read");
}

/// The ordinary trigger: two writers of one compressed log.
#[test]
fn a_damaged_file_that_grows_is_not_read_over_and_over_and_counts_once_it_is_mended() {
    let mut play = play();
    let sound = play.rows(2000);
    let mut damaged = compress(&sound, "gz");
    let whole = damaged.clone();
    let end = damaged.len();
    damaged[end - 2000..end - 1900].fill(0xff);
    fs::write(play.path("a.json.gz"), &damaged).unwrap();
    play.start();
    play.daemon().wait_until_ready();
    play.daemon().wait_for_log("damaged gzip data");
    let begun = calls(&play.daemon().metrics());
    for number in 1..=40 {
        append(&play.path("a.json.gz"), &damaged[..1000]);
        // A file beside it shows that the change was seen.
        play.append("b.ndjson", 1);
        play.daemon()
            .wait_for_metrics("the row beside it", |metrics| calls(metrics) == begun + f64::from(number));
    }
    let most = 3 * total_bytes(&play) + 2 * LOOKS;
    let read = read_bytes(&play);
    assert!(read <= most as f64, "{read} of {most} bytes");
    fs::write(play.path("a.json.gz"), &whole).unwrap();
    play.settles_at(2040, 0);
}

#[test]
fn blank_text_is_neither_kept_nor_looked_at_again() {
    let mut play = play();
    for (name, blank) in [("lines.csv", "\n"), ("lines.json", "\r\n"), ("blanks.json", " ")] {
        fs::write(play.path(name), blank.repeat(100_000_000 / blank.len())).unwrap();
    }
    play.start();
    play.daemon().wait_until_ready();
    play.append("lines.json", 2);
    play.settles_at(2, 0);
    let resident = play.daemon().metrics().sum("process_resident_memory_bytes", &[]);
    assert!(resident < 60e6, "{resident} bytes");
}
