//! Records of any kind by config: what `check` says of a mapping, and the mapping that `map` proposes.

use std::fs;
use std::path::{Path, PathBuf};

use super::tools::run_in;

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/mapped");

/// What the samples hold that is nobody's business.
const PERSONAL: [&str; 4] = ["4255550", "555501", "Jane", "Secret"];

/// The files of samples that end so.
fn files(ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = fs::read_dir(DATA)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .collect();
    files.sort();
    files
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

/// `<config>.yml` has `<config>.yml.said` beside it.
#[test]
fn check_says_how_a_mapping_reads_a_file_and_what_is_wrong_with_it() {
    let configs = files(".yml");
    assert!(configs.len() >= 8, "{configs:?}");
    for config in configs {
        let checked = run_in(Path::new(DATA), ["check", "--config.file", name(&config)]);
        let said = checked.stdout.replace(&format!("{DATA}/"), "");
        let expected = fs::read_to_string(format!("{}.said", config.display())).unwrap_or_default();
        assert_eq!(format!("{said}exit code {}\n", checked.code.unwrap()), expected, "{}", config.display());
        assert_eq!(checked.stderr, "", "{}", config.display());
        for personal in PERSONAL {
            assert!(!said.contains(personal), "{personal} in:\n{said}");
        }
    }
}

/// `<file>.proposed` is what `map` prints of `<file>`. What it proposes is a config that `check` accepts, with calls.
#[test]
fn map_proposes_what_check_accepts() {
    let proposals = files(".proposed");
    assert!(proposals.len() >= 7, "{proposals:?}");
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("proposed.yml");
    for proposal in proposals {
        let file = proposal.with_extension("");
        let mapped = run_in(Path::new(DATA), ["map", name(&file)]);
        let printed = mapped.stdout.replace(&format!("{DATA}/"), "");
        let expected = fs::read_to_string(&proposal).unwrap();
        assert_eq!(format!("{printed}exit code {}\n", mapped.code.unwrap()), expected, "{}", file.display());
        for personal in PERSONAL {
            assert!(!printed.contains(personal), "{personal} in:\n{printed}");
        }
        fs::write(&config, &mapped.stdout).unwrap();
        let checked = run_in(Path::new(DATA), ["check", "--config.file", config.to_str().unwrap()]);
        // Where nothing says how a call ended, `map` says so.
        assert_eq!(checked.code == Some(0), mapped.code == Some(0), "{}{}", checked.stdout, checked.stderr);
        assert_eq!(checked.stdout.contains("calls, as `fields` reads them"), mapped.code == Some(0));
    }
}
