//! What is to be mended in the header of a table that is nearly one of calls: which columns are missing, and which look
//! like them.

use std::borrow::Cow;

use super::{Columns, SEPARATORS, cells, header_line, is_of_graph};
use crate::format::names::{self, Field, Names};

/// Without one of each of these no table is read, or no outcome is known.
const NEEDED: [&[Field]; 3] =
    [&[Field::CorrelationId, Field::Id], &[Field::Success], &[Field::SipCode, Field::MicrosoftCode]];

/// Words of column names that only one language has, as letters.
const LANGUAGES: [(&str, &[&str]); 3] = [
    ("German", &["korrelationsid", "erfolg", "erfolgreich", "anrufernummer", "anruftyp", "endzeit"]),
    ("French", &["iddecorrélation", "réussite", "typedappel", "heuredefin", "numérodelappelant"]),
    ("Spanish", &["iddecorrelación", "tipodellamada", "horadefinalización", "númerodelllamador"]),
];

/// What to mend in the header of a text, in a sentence for people; `None` where it is no such table. A name is repeated
/// only where it is nearly one of ours: what stands in a first line can be data.
pub fn hint(text: &[u8], names: Names) -> Option<String> {
    let line = header_line(text);
    let columns = SEPARATORS.map(|separator| {
        let mut columns: Vec<Cow<'_, [u8]>> = Vec::new();
        let read = cells::for_each(line, separator, |cell| columns.push(cell.bytes(line)));
        read.map(|()| columns).unwrap_or_default()
    });
    let columns = columns.into_iter().max_by_key(Vec::len).filter(|columns| columns.len() > 2)?;
    let fields: Vec<Option<Field>> = columns.iter().map(|name| names.field(name)).collect();
    let has = |field: &Field| fields.contains(&Some(*field));
    let near = |field: Field| {
        let is_near = |name: &[u8]| names::resembling(name, &[field]).is_some();
        (0..columns.len()).find(|place| fields[*place].is_none() && is_near(&columns[*place]))
    };
    let missing: Vec<&[Field]> = NEEDED.into_iter().filter(|choices| !choices.iter().any(&has)).collect();
    if !missing.is_empty()
        && let Some(language) = language(&columns)
    {
        return Some(format!(
            "its columns have {language} names: say in `columns:` of the config which field each of them holds"
        ));
    }
    let misspelt = Field::DECIDING.iter().filter(|field| {
        let is_told = missing.iter().any(|choices| choices.contains(field));
        !has(field) && !is_told && near(**field).is_some()
    });
    let is_graph =
        (fields.iter().zip(&columns)).any(|(field, name)| field.is_some_and(|it| is_of_graph(it, name)));
    let one = |choices: &[Field]| {
        let wanted: Vec<String> = choices.iter().filter_map(|field| named(*field, is_graph)).collect();
        let wanted = wanted.join(" or ");
        match choices.iter().find_map(|field| near(*field)) {
            Some(place) => {
                format!(
                    "{wanted} is missing; column {}, `{}`, looks like it",
                    place + 1,
                    names::shown(&columns[place])
                )
            }
            None => format!("{wanted} is missing"),
        }
    };
    let told: Vec<String> =
        missing.iter().copied().chain(misspelt.map(std::slice::from_ref)).map(one).collect();
    let is_ours = missing.len() < NEEDED.len() || told.iter().any(|it| it.contains("looks like"));
    (!told.is_empty() && is_ours).then(|| format!("the column {}", told.join("; ")))
}

/// What calls below the header that a text begins with are counted without, in a sentence for people.
pub fn lacking(text: &[u8], names: Names) -> Option<String> {
    let columns = Columns::from_header(text, names)?;
    let lacks = |field: &Field| !columns.has(*field) && !columns.resembles(*field);
    let times = [Field::End, Field::Failure, Field::Start, Field::Invite];
    let end = if times.iter().any(|time| columns.has(*time)) { None } else { Some(Field::End) };
    let lacking = Field::DECIDING.into_iter().filter(lacks).chain(end);
    let lacking: Vec<String> = lacking.filter_map(|field| named(field, columns.is_graph)).collect();
    let names = lacking.join(", ");
    (!lacking.is_empty()).then(|| {
        format!("no column is named {names}: what it would tell is not counted; if one has another name, say so in `columns:`")
    })
}

/// The name that is looked for; of an id only the one that people are to have.
fn named(field: Field, is_graph: bool) -> Option<String> {
    let names = field.names();
    let name = if is_graph { names.graph } else { names.admin_center };
    (field != Field::Id && !name.is_empty()).then(|| format!("`{name}`"))
}

fn language(columns: &[Cow<'_, [u8]>]) -> Option<&'static str> {
    let names: Vec<String> =
        columns.iter().map(|name| String::from_utf8_lossy(name).to_lowercase()).collect();
    let is_japanese = |letter: char| matches!(letter, '\u{3041}'..='\u{30ff}');
    if names.iter().any(|name| name.chars().any(is_japanese)) {
        return Some("Japanese");
    }
    let squeezed = |name: &String| name.chars().filter(|letter| letter.is_alphanumeric()).collect::<String>();
    let is_of = |words: &[&str]| names.iter().any(|name| words.contains(&squeezed(name).as_str()));
    LANGUAGES.into_iter().find(|(_, words)| is_of(words)).map(|(language, _)| language)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_column_that_is_missing_is_named_and_the_one_that_looks_like_it() {
        let names = Names::with([("Erfolg".to_owned(), Field::Success)]);
        for (header, expected) in [
            (
                "CorrelationId,Succes,Final SIP code\n",
                "the column `Success` is missing; column 2, `Succes`, looks like it",
            ),
            (
                "CorrelationId,Success,Final SPI code,SBC FQDN\n",
                "the column `Final SIP code` or `Final Microsoft subcode` is missing; column 3, `Final SPI code`, looks \
                 like it",
            ),
            (
                "sep=;\nid;correlationId;successfulCall;finalSipCode;properties.callEndSubReson\n",
                "the column `callEndSubReason` is missing; column 5, `callEndSubReson`, looks like it",
            ),
            ("Correlation ID,Final SIP code,SBC FQDN\n", "the column `Success` is missing"),
            (
                "CorrelationIdd;Succes;Final SIP code;x\n",
                "the column `CorrelationId` is missing; column 1, `CorrelationIdd`, looks like it; `Success` is missing; \
                 column 2, `Succes`, looks like it",
            ),
            (
                "Korrelations-ID,Anruftyp,Erfolgreich\n",
                "its columns have German names: say in `columns:` of the config which field each of them holds",
            ),
            (
                "相関 ID,成功,最終 SIP コード\n",
                "its columns have Japanese names: say in `columns:` of the config which field each of them holds",
            ),
            ("CorrelationId,Success,Final SIP code\n", ""),
            ("CorrelationId,Erfolg,Final SIP code\n", ""),
            ("+14255550100,User One,no\n", ""),
            ("name,size,date\n", ""),
            ("UsageId,Call ID,Caller Number,Callee Number,Duration (seconds),Charge\n", ""),
            ("a line of some log\n", ""),
        ] {
            assert_eq!(hint(header.as_bytes(), names).unwrap_or_default(), expected, "{header}");
        }
    }
}
