//! Places to fields, by a table.

use super::*;

/// The field with what more is said of it; or why there is none.
type Proposed = Result<(Field, String), String>;

fn proposed(name: &str, values: &[&str]) -> Proposed {
    let values = values.iter().map(|value| (*value).to_owned()).collect();
    let proposal = propose(&[Sample { place: name.to_owned(), name: name.to_owned(), values }]);
    match (proposal.guesses.first(), proposal.unused.first()) {
        (Some(guess), _) => Ok((guess.field, guess.more.join(", "))),
        (None, Some((_, why))) => Err(why.clone()),
        (None, None) => Err(String::new()),
    }
}

#[test]
fn fields_by_name_and_value() {
    let none = || String::new();
    let cases: [(&str, &[&str], Proposed); 19] = [
        ("NAP", &["NAP_TEAMS"], Ok((Field::Trunk, none()))),
        ("/variables/sip_term_status", &["486"], Ok((Field::SipCode, none()))),
        (
            "Termination-Cause",
            &["NO_ROUTE"],
            Err("its values, such as `xx_xxxxx`, are no SIP codes".to_owned()),
        ),
        ("disconnect-cause", &["16", "17"], Ok((Field::Q850, none()))),
        ("hangup_cause", &["USER_BUSY"], Err(none())),
        ("start_stamp", &["2024-11-05 09:00:00"], Ok((Field::Started, none()))),
        ("end_epoch", &["0", "1730797260"], Ok((Field::Ended, "time: \"unix\"".to_owned()))),
        (
            "EndTime",
            &["", "05.11.2024 09:00:00"],
            Ok((Field::Ended, "time: \"%d.%m.%Y %H:%M:%S%.f\"".to_owned())),
        ),
        // Which number is the day, another value tells.
        (
            "EndTime",
            &["05/11/2024 09:00:00", "25/11/2024 09:00:00"],
            Ok((Field::Ended, "time: \"%d/%m/%Y %H:%M:%S%.f\"".to_owned())),
        ),
        (
            "Call End",
            &["11/5/2024 2:05:00 PM", "11/05/2024 09:00:00 AM"],
            Ok((Field::Ended, "time: \"%m/%d/%Y %I:%M:%S %p\"".to_owned())),
        ),
        (
            "Start Time",
            &["Nov 5, 2024 9:01:00 AM"],
            Ok((Field::Started, "time: \"%b %d, %Y %I:%M:%S %p\"".to_owned())),
        ),
        (
            "SIP Response",
            &["200 OK", "404 Not Found", "SIP/2.0 480 Temporarily Unavailable"],
            Ok((Field::SipCode, none())),
        ),
        (
            "call_direction",
            &["I", "O"],
            Ok((Field::Direction, "values: {\"I\": inbound, \"O\": outbound}".to_owned())),
        ),
        ("answer_stamp", &[""], Ok((Field::Answered, none()))),
        ("DurationMs", &["5400"], Ok((Field::Duration, "divide_by: 1000".to_owned()))),
        (
            "Direction",
            &["in", "out", "in"],
            Ok((Field::Direction, "values: {\"in\": inbound, \"out\": outbound}".to_owned())),
        ),
        ("direction", &["inbound"], Ok((Field::Direction, none()))),
        ("Direction", &["Jane"], Err("say what its values, such as `xxxx`, mean".to_owned())),
        ("Calling", &["+14255550100"], Err(none())),
    ];
    for (name, values, expected) in cases {
        assert_eq!(proposed(name, values), expected, "{name} {values:?}");
    }
}

#[test]
fn words_tell_causes_where_no_code_does() {
    let sample = |name: &str, values: &[&str]| Sample {
        place: name.to_owned(),
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let disposition = sample("Disposition", &["ANSWERED", "BUSY", "NO ANSWER", "FAILED", "BUSY"]);
    let code = sample("sip_code", &["486"]);
    let causes = |samples: &[Sample]| {
        let guesses = propose(samples).guesses;
        guesses.into_iter().find(|guess| guess.field == Field::Q850).map(|guess| guess.more.concat())
    };
    let expected = "values: {\"ANSWERED\": 16, \"BUSY\": 17, \"NO ANSWER\": 19, \"FAILED\": \"\"}";
    assert_eq!(causes(std::slice::from_ref(&disposition)), Some(expected.to_owned()));
    assert_eq!(causes(&[disposition, code]), None);
    assert_eq!(causes(&[sample("success", &["true", "false"])]), None);
}

#[test]
fn places_without_names_go_by_their_values() {
    let sample = |place: &str, values: [&str; 2]| Sample {
        place: place.to_owned(),
        name: String::new(),
        values: values.map(str::to_owned).to_vec(),
    };
    let proposal = propose(&[
        sample("1", ["2024-11-05 09:00:00", "2024-11-05 09:01:00"]),
        sample("2", ["486", "200"]),
        sample("3", ["+14255550100", "200"]),
        sample("4", ["2024-11-05 09:00:09", "2024-11-05 09:01:09"]),
    ]);
    let places: Vec<_> = proposal.guesses.iter().map(|guess| (guess.field, &*guess.place)).collect();
    assert_eq!(places, [(Field::SipCode, "2"), (Field::Started, "1"), (Field::Ended, "4")]);
    assert_eq!(proposal.unused, [("3".to_owned(), "such as `+00000000000`".to_owned())]);
}

#[test]
fn records_of_one_kind_are_calls() {
    let of = |values: &[&str]| {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        propose(&[Sample { place: "RecordType".to_owned(), name: "RecordType".to_owned(), values }]).condition
    };
    assert_eq!(of(&["START", "STOP"]), Some(("RecordType".to_owned(), "STOP".to_owned())));
    assert_eq!(of(&["STOP"]), None);
    assert_eq!(of(&["Jane"]), None);
    assert_eq!(of(&["Q", "Жанна S"]), None, "what could be a name is not shown");
}

#[test]
fn a_first_line_is_a_header_where_rows_below_it_show_that() {
    for (first, below, expected) in [
        ("Caller;Office;result;end time;SIP code", &["a;b;failed;2024-11-05 09:00:00;486"][..], true),
        ("Caller;Office;result;end time;SIP code", &[], true),
        // Files that were put together.
        ("trunk;code", &["a;404", "trunk;code", "b;486"], true),
        ("User One;Berlin Office;success", &[], false),
        ("User One;carrier;success;busy", &["User Two;carrier;success;busy"], false),
        ("User One;carrier;success;busy", &["User Two;other;failed;busy"], false),
        ("STOP;ms-teams;486;2024-11-05", &["STOP;ms-teams;404;2024-11-05"], false),
        ("trunk;486;code", &["a;404;1"], false),
    ] {
        let rows: Vec<Vec<&str>> = below.iter().map(|row| row.split(';').collect()).collect();
        let column = |(place, name): (usize, &str)| Sample {
            place: name.to_owned(),
            name: name.to_owned(),
            values: rows.iter().map(|row| row[place].to_owned()).collect(),
        };
        let columns: Vec<Sample> = first.split(';').enumerate().map(column).collect();
        assert_eq!(are_names(&columns), expected, "{first}, {below:?}");
    }
}

/// What is shown to be copied into a config is nobody's name, whatever stands behind it.
#[test]
fn no_name_is_proposed_as_a_value() {
    let sample = |name: &str, values: &[&str]| Sample {
        place: name.to_owned(),
        name: name.to_owned(),
        values: values.iter().map(|value| (*value).to_owned()).collect(),
    };
    let samples = [
        sample("direction", &["User One/in", "+14255550123/out"]),
        sample("record_type", &["User One/stop", "start"]),
    ];
    let proposal = format!("{:?}", propose(&samples));
    assert!(!proposal.contains("User") && !proposal.contains("14255550123"), "{proposal}");
}
