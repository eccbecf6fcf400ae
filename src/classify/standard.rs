//! The endings that standards name: SIP response codes (`sip.csv`: RFC 3261 and the IANA registry) and causes of
//! ITU-T Q.850 (`q850.csv`), for records that have no Microsoft code.
//!
//! `build.rs` includes this file to check both tables by the same rules, so it may use nothing of ours but `call`,
//! `entry` and `table`.

use super::entry::Side;
use super::table::{self, Refused, Row};
use crate::call::Outcome;

/// What a standard says of one way to end, and what it means for a call.
#[derive(Debug, PartialEq)]
pub struct Standard {
    pub code: u16,
    /// The value of the `cause` label: the standard's own words, shortened where they are too long for it.
    pub cause: String,
    /// How a call ended that the called side ended so.
    pub outcome: Outcome,
    /// Who can do something about it, where the code tells.
    pub side: Option<Side>,
    /// The value of the `category` label.
    pub category: String,
    /// The standard that has the code.
    pub source: String,
    /// What to do about it.
    pub remedy: String,
}

const COLUMNS: [&str; 7] = ["code", "cause", "outcome", "side", "category", "source", "remedy"];

/// Reads and checks the text of `sip.csv` or `q850.csv`; its rows come in the order of their codes.
///
/// # Errors
/// The first line that is not CSV or breaks a rule.
pub fn read(text: &str) -> Result<Vec<Standard>, Refused> {
    let mut accepted: Vec<Standard> = Vec::new();
    for (at, row) in table::read(text, &COLUMNS, from_row)? {
        if let Some(last) = accepted.last().filter(|last| last.code >= row.code) {
            let reason = format!("code {} comes behind {}", row.code, last.code);
            return Err(Refused { at, reason });
        }
        accepted.push(row);
    }
    Ok(accepted)
}

/// The row of a code.
pub fn find(rows: &'static [Standard], code: u16) -> Option<&'static Standard> {
    let place = rows.binary_search_by_key(&code, |row| row.code).ok()?;
    Some(&rows[place])
}

fn from_row(row: &Row<'_>) -> Result<Standard, String> {
    let standard = Standard {
        code: row.code(0)?,
        cause: row.filled(1)?,
        outcome: Outcome::from_label(row.text(2)).ok_or_else(|| row.unknown(2))?,
        side: match row.text(3) {
            "" => None,
            side => Some(Side::from_label(side).ok_or_else(|| row.unknown(3))?),
        },
        category: row.filled(4)?,
        source: row.filled(5)?,
        remedy: row.filled(6)?,
    };
    table::check_cause(&standard.cause)?;
    table::check_category(&standard.category)?;
    Ok(standard)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_with_a_side_and_one_without() {
        let text = format!("{}\n1,A,failed,sbc,c,S,R\n2,B,busy,,c,S,R\n", COLUMNS.join(","));
        let rows = read(&text).expect("good rows");
        let sides: Vec<_> = rows.iter().map(|row| (row.code, row.side)).collect();
        assert_eq!(sides, [(1, Some(Side::Sbc)), (2, None)]);
    }

    #[test]
    fn bad_rows_and_their_messages() {
        for (row, message) in [
            ("x,A,failed,sbc,c,S,R", "code `x` is not a code"),
            ("5,A,lost,sbc,c,S,R", "outcome `lost` is not known"),
            ("5,A,failed,moon,c,S,R", "side `moon` is not known"),
            ("5,,failed,sbc,c,S,R", "cause is empty"),
            ("5, A,failed,sbc,c,S,R", "the cause \" A\" has white space at an end, or a control character"),
            (
                "5,A,failed,sbc,C,S,R",
                "the category `C` has other characters than lower-case letters, digits and _",
            ),
            ("5,A,failed,sbc,c,,R", "source is empty"),
            ("4,A,failed,sbc,c,S,R", "code 4 comes behind 4"),
        ] {
            let text = format!("{}\n4,A,failed,sbc,c,S,R\n{row}\n", COLUMNS.join(","));
            let refused = read(&text).expect_err(row);
            assert_eq!((refused.at, refused.reason.as_str()), (3, message), "{row}");
        }
    }
}
