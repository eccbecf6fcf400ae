use maud::PreEscaped;

use super::*;
use crate::call::CodePair;
use crate::classify::Catalogue;
use crate::expose::api::calls::OfPair;

const LINKS: Links<'_> = Links { root: "", metrics: "metrics" };

/// Base64 of the SHA-256 of this text.
fn sha256(text: &str) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, text.as_bytes());
    let letters: Vec<char> = ('A'..='Z').chain('a'..='z').chain('0'..='9').chain(['+', '/']).collect();
    let bits: Vec<bool> =
        digest.as_ref().iter().flat_map(|byte| (0..8).rev().map(move |bit| (byte >> bit) & 1 == 1)).collect();
    let sextet =
        |bits: &[bool]| (0..6).fold(0, |sum, bit| sum * 2 + usize::from(bits.get(bit) == Some(&true)));
    bits.chunks(6).map(|bits| letters[sextet(bits)]).chain(['=']).collect()
}

#[test]
fn the_policy_allows_the_style_and_no_other() {
    assert_eq!(sha256(""), "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    let allowed = format!("style-src 'sha256-{}';", sha256(STYLE));
    assert!(CONTENT_SECURITY_POLICY.contains(&allowed), "{allowed}");
    let page = page("Title", LINKS, &html! {});
    assert!(page.contains(&format!("<style>{STYLE}</style>")) && !page.contains("style="), "{page}");
}

#[test]
fn what_comes_from_elsewhere_is_escaped_and_links_are_relative() {
    let links = Links { root: "../", metrics: "a&b/\"metrics\"" };
    let page = page("<script>", links, &html! { (CodePair::default().shown()) });
    assert!(page.contains("<title>&lt;script&gt; - ") && !page.contains("<script"), "{page}");
    assert!(page.contains(r#"href="../a&amp;b/&quot;metrics&quot;""#), "{page}");
    assert!(!page.contains("href=\"/") && !page.contains("src="), "{page}");
    let words = "\"><script>alert(1)</script>";
    let found = catalogue(&Catalogue::built_in(), words, None, LINKS);
    assert!(found.contains("0 of ") && !found.contains("<script"), "{found}");
}

#[test]
fn the_catalogue_is_searched_by_words_and_side() {
    let all = Catalogue::built_in();
    let rows = |words, side| catalogue(&all, words, side, LINKS).matches("data-of=\"Pair\"").count();
    assert_eq!(rows("", None), all.entries().len());
    assert!((1..20).contains(&rows("ICE connectivity", None)));
    assert_eq!(rows("531004/410", None), all.pair(531_004, 410).len());
    assert!(rows("", Some(crate::classify::Side::Bot)) < rows("", None));
    assert_eq!(rows("no such words", None), 0);
}

#[test]
fn each_cause_has_a_page_with_its_runbook() {
    let all = Catalogue::built_in();
    for rows in all.pairs() {
        let page = cause(&all, rows[0].codes(), &OfPair::default(), Links { root: "../", ..LINKS });
        for row in rows {
            let (remedy, cause) = (html! { (row.remedy) }, html! { (row.cause) });
            assert!(page.contains(&remedy.into_string()) && page.contains(&cause.into_string()), "{page}");
        }
        assert!(!page.contains("**") && !page.contains("](#"), "{page}");
    }
    let failed = all.entries().iter().filter(|entry| entry.outcome == crate::call::Outcome::Failed);
    for entry in failed {
        let section = runbook::section(&entry.category).map(PreEscaped::into_string);
        let section = section.unwrap_or_else(|| panic!("no section `{}`", entry.category));
        assert!(!section.contains('`') && !section.contains("<code></code>"), "{section}");
    }
    let unknown = cause(&all, CodePair { microsoft: Some(1), sip: Some(1) }, &OfPair::default(), LINKS);
    assert!(unknown.contains("not in the catalogue") && !unknown.contains("counts as"), "{unknown}");
    for (microsoft, sip, expected) in [(None, Some(404), "Not Found"), (Some(569_999), Some(504), "569xxx")] {
        let known = cause(&all, CodePair { microsoft, sip }, &OfPair::default(), LINKS);
        assert!(
            known.contains("counts as") && known.contains(expected) && known.contains("What to do"),
            "{known}"
        );
    }
}

#[test]
fn times_as_people_say_them() {
    for (at, expected) in [
        ("2026-11-28T14:05:59Z", "1 second ago"),
        ("2026-11-28T14:04:01Z", "119 seconds ago"),
        ("2026-11-28T13:06:00Z", "60 minutes ago"),
        ("2026-11-27T13:06:00Z", "25 hours ago"),
        ("2026-11-20T13:06:00Z", "8 days ago"),
        ("2026-11-28T14:07:00Z", "ahead of this clock"),
        ("x", ""),
    ] {
        assert_eq!(ago(at, "2026-11-28T14:06:00Z"), expected, "{at}");
    }
    assert_eq!(time("2026-11-28T14:05:59Z"), "2026-11-28 14:05");
}
