//! README's table of faults has every row that `cargo xtask faults` plays, and the true number in each.

use std::fs;

#[test]
fn the_table_in_readme_is_in_step() {
    let readme = fs::read_to_string(xtask::repository().join("README.md")).unwrap();
    assert_eq!(xtask::faults::check_table(&readme), Ok(()));
    let wrong = readme.replace("| 105 | 105 |", "| 105 | 104 |");
    assert!(xtask::faults::check_table(&wrong).unwrap_err().starts_with("row B: "));
}
