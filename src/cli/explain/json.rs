//! An explanation for programs.

use serde::Serialize;

use super::answer::{Answer, Told};
use crate::classify::{Entry, Side};

#[derive(Serialize)]
struct Explanation<'a> {
    question: &'a str,
    /// Whether anything is known about it.
    found: bool,
    /// Sentences that stand before the causes.
    about: Vec<&'a str>,
    causes: Vec<About<'a>>,
    /// What the catalogue has near it.
    nearest: Vec<About<'a>>,
}

/// A cause under the names that metrics and `inspect --output json` have.
#[derive(Serialize)]
struct About<'a> {
    cause: String,
    microsoft_code: Option<u64>,
    sip_code: Option<u16>,
    /// `""` stands for any other phrase of the pair; `null`, for a cause outside the catalogue.
    phrase: Option<&'a str>,
    outcome: &'static str,
    category: &'a str,
    side: Option<&'static str>,
    ner: Option<&'static str>,
    remedy: &'a str,
    documented_for: Option<&'a str>,
}

/// The explanation as one JSON object.
pub fn render(question: &str, answer: &Answer<'_>) -> String {
    let explanation = Explanation {
        question,
        found: answer.found,
        about: answer.lead.iter().map(|sentence| sentence.trim()).collect(),
        causes: answer.causes.iter().map(about).collect(),
        nearest: answer.nearest.iter().map(|entry| about_entry(entry)).collect(),
    };
    serde_json::to_string_pretty(&explanation).unwrap_or_default() + "\n"
}

fn about<'a>(told: &'a Told<'_>) -> About<'a> {
    match told {
        Told::Listed(entry) => about_entry(entry),
        Told::Outside { cause, outcome, codes, .. } => About {
            cause: cause.name().into_owned(),
            microsoft_code: codes.microsoft,
            sip_code: codes.sip,
            phrase: None,
            outcome: outcome.label(),
            category: cause.category(),
            side: cause.side().map(Side::label),
            ner: None,
            remedy: cause.remedy(),
            documented_for: None,
        },
    }
}

fn about_entry(entry: &Entry) -> About<'_> {
    About {
        cause: entry.cause.to_string(),
        microsoft_code: Some(entry.microsoft_code),
        sip_code: Some(entry.sip_code),
        phrase: Some(&entry.phrase),
        outcome: entry.outcome.label(),
        category: &entry.category,
        side: Some(entry.side.label()),
        ner: Some(entry.ner.label()),
        remedy: &entry.remedy,
        documented_for: Some(&entry.documented_for),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Catalogue, Cause, q850, range, sip};
    use crate::cli::explain::answer;
    use crate::cli::explain::question::Question;

    fn asked(what: &str, catalogue: &Catalogue) -> String {
        let question = Question::parse(what).expect(what);
        render(what, &answer::to(&question, catalogue))
    }

    fn read(json: &str) -> serde_json::Value {
        serde_json::from_str(json).expect("JSON")
    }

    /// Every cause that counting can name is explained by its name.
    #[test]
    fn every_cause_is_explained_by_its_name() {
        let catalogue = Catalogue::built_in();
        let mut names: Vec<String> =
            catalogue.entries().iter().map(|entry| entry.cause.to_string()).collect();
        names.extend(range::ALL.iter().map(|range| range.cause.to_owned()));
        names.extend(sip::all().iter().chain(q850::all()).map(|standard| standard.cause.clone()));
        names.extend((300..700).map(|code| Cause::SbcRefused(code).name().into_owned()));
        names.push(Cause::Unlisted.name().into_owned());
        for name in names {
            let causes = read(&asked(&name, &catalogue))["causes"].clone();
            let is_named = |about: &serde_json::Value| {
                about["cause"].as_str().is_some_and(|cause| cause.eq_ignore_ascii_case(&name))
            };
            assert!(causes.as_array().is_some_and(|causes| causes.iter().any(is_named)), "{name}: {causes}");
        }
    }

    #[test]
    fn for_programs() {
        let catalogue = Catalogue::built_in();
        insta::assert_snapshot!(asked("Q.850 34", &catalogue), @r#"
        {
          "question": "Q.850 34",
          "found": true,
          "about": [
            "Q.850 cause 34 No circuit/channel available"
          ],
          "causes": [
            {
              "cause": "No circuit/channel available",
              "microsoft_code": null,
              "sip_code": null,
              "phrase": null,
              "outcome": "failed",
              "category": "capacity",
              "side": "carrier",
              "ner": null,
              "remedy": "No channel was free: check trunk capacity, and ask the carrier.",
              "documented_for": null
            }
          ],
          "nearest": []
        }
        "#);
        let pair = read(&asked("540403/403", &catalogue));
        assert_eq!(
            (&pair["found"], &pair["about"][0]),
            (&true.into(), &"540403/403 is not in the catalogue.".into())
        );
        assert_eq!(pair["causes"][0]["cause"], "Unlisted 540xxx: refused");
        assert_eq!(pair["nearest"][0]["microsoft_code"], 560_403);
        assert_eq!(read(&asked("531004/410", &catalogue))["causes"][0]["category"], "media");
        assert_eq!(read(&asked("777777", &catalogue))["found"], false);
    }
}
