//! Where the attributes of a STOP record stand: as the operator's layout says, or as one of the published layouts does.

/// The attributes that are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attribute {
    Status,
    SessionId,
    SessionTime,
    SetupTime,
    ConnectTime,
    DisconnectTime,
    /// Of Q.850, as H.323 gateways name it.
    GatewayCause,
    IngressRealm,
    EgressRealm,
    /// Of Q.850.
    Cause,
    SipStatus,
    /// Who ended the call.
    Initiator,
}

use Attribute as A;

/// Each attribute with its names, as [`letters`] has them, and its number among the vendor's attributes where it has one.
const ATTRIBUTES: [(Attribute, &[&str], Option<u16>); 12] = [
    (A::Status, &["acctstatustype", "accountingstatus"], None),
    (A::SessionId, &["acctsessionid", "accountingsessionid", "sessionid"], None),
    (A::SessionTime, &["acctsessiontime", "accountingsessiontime", "sessiontime"], None),
    (A::SetupTime, &["h323setuptime", "setuptime"], None),
    (A::ConnectTime, &["h323connecttime", "connecttime"], None),
    (A::DisconnectTime, &["h323disconnecttime", "disconnecttime"], None),
    (A::GatewayCause, &["h323disconnectcause"], None),
    (A::IngressRealm, &["sessioningressrealm", "ingressrealm"], Some(41)),
    (A::EgressRealm, &["sessionegressrealm", "egressrealm"], Some(42)),
    (A::Cause, &["disconnectcause"], Some(62)),
    (A::SipStatus, &["sipstatus"], Some(71)),
    (A::Initiator, &["disconnectinitiator"], Some(61)),
];

/// Positions are counted from 1; 0 is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    places: [usize; ATTRIBUTES.len()],
    /// How many attributes a record has at least.
    pub columns: usize,
}

/// Of releases C6.1, C6.2, and C6.3 to C6.4, with all attributes, as the accounting guides list them; told apart by how many
/// columns a STOP record has.
pub const PUBLISHED: [Layout; 3] = [
    Layout { places: [1, 4, 12, 13, 14, 15, 16, 22, 21, 133, 134, 132], columns: 169 },
    Layout { places: [1, 4, 13, 14, 15, 16, 17, 23, 22, 134, 135, 133], columns: 171 },
    Layout { places: [1, 4, 13, 14, 15, 16, 17, 23, 22, 134, 135, 133], columns: 175 },
];

/// A position, counted from 1, with the name that stands there and its number.
type Row<'t> = (usize, &'t str, Option<u16>);

/// No record has so many columns.
const MOST_COLUMNS: usize = 1000;

impl Layout {
    /// Reads a layout: a line `position,attribute,number` for each attribute, the last one optional; or one line with the names
    /// of all. Lines that begin with `#` are passed over.
    ///
    /// # Errors
    /// What is missing or wrong.
    pub fn read(text: &str) -> Result<Self, String> {
        let text = text.trim_start_matches('\u{feff}');
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let lines: Vec<Vec<&str>> = lines.map(|line| line.split(',').map(unquoted).collect()).collect();
        let rows = match &lines[..] {
            [] => return Err("it is empty".to_owned()),
            [names] if names[0].parse::<usize>().is_err() => {
                names.iter().enumerate().map(|(at, name)| (at + 1, *name, None)).collect()
            }
            _ => by_position(&lines)?,
        };
        Self::of(&rows)
    }

    fn of(rows: &[Row<'_>]) -> Result<Self, String> {
        let mut places = [0; ATTRIBUTES.len()];
        for ((_, names, number), place) in ATTRIBUTES.iter().zip(&mut places) {
            let named = rows.iter().find(|(_, name, _)| names.contains(&&*letters(name)));
            // Misprints are many; numbers of other vendors are only left out where the name is found.
            let numbered = || rows.iter().find(|(_, _, other)| number.is_some() && other == number);
            *place = named.or_else(numbered).map_or(0, |(place, ..)| *place);
        }
        let columns = rows.iter().map(|(place, ..)| *place).max().unwrap_or_default();
        let layout = Self { places, columns };
        let lacks = |attribute: Attribute| layout.place(attribute) == 0;
        match () {
            () if columns > MOST_COLUMNS => Err(format!("a position is over {MOST_COLUMNS}")),
            () if lacks(A::Status) => Err("Acct-Status-Type is missing".to_owned()),
            () if lacks(A::SessionId) => Err("Acct-Session-Id is missing".to_owned()),
            () if lacks(A::ConnectTime) => Err("h323-connect-time is missing".to_owned()),
            () if lacks(A::SipStatus) && lacks(A::Cause) && lacks(A::GatewayCause) => {
                Err("Acme-SIP-Status and Acme-Disconnect-Cause are missing".to_owned())
            }
            () => Ok(layout),
        }
    }

    /// The published layout of so many columns.
    pub fn published(columns: usize) -> Option<&'static Self> {
        static LAYOUTS: [Layout; PUBLISHED.len()] = PUBLISHED;
        LAYOUTS.iter().find(|layout| layout.columns == columns)
    }

    /// Where an attribute stands, counted from 1; 0 where it is not in a record.
    pub fn place(&self, attribute: Attribute) -> usize {
        self.places[attribute as usize]
    }
}

/// Whether a line is the names of a record, written in place of records.
pub fn is_names(line: &str) -> bool {
    let first = line.split(',').next().map(unquoted).unwrap_or_default();
    let (_, names, _) = ATTRIBUTES[Attribute::Status as usize];
    names.contains(&&*letters(first))
}

/// How names of attributes begin. An id of a session, which may stand there in a record that was cut, does not.
const BEGINNINGS: [&str; 11] = [
    "acct-",
    "acme-",
    "accounting ",
    "nas-",
    "h323-",
    "called-",
    "calling-",
    "session-",
    "session ",
    "sip-status",
    "sip status",
];

/// Whether these cells are a line of a layout, which the SBC writes into the folder of its records: `position,attribute,number`,
/// or the titles above such lines.
pub fn is_layout_line(cells: &[String]) -> bool {
    let [place, name, rest @ ..] = cells else { return false };
    let name = name.to_ascii_lowercase();
    let is_name = BEGINNINGS.iter().any(|begin| name.starts_with(begin)) || name == "attribute";
    let is_place = place.parse::<usize>().is_ok_and(|place| place <= MOST_COLUMNS);
    let is_title = place.eq_ignore_ascii_case("position");
    rest.len() <= 1 && is_name && (is_place || is_title)
}

/// Whether a text may be the beginning of the first name.
pub fn may_be_names(begin: &str) -> bool {
    let (_, names, _) = ATTRIBUTES[Attribute::Status as usize];
    let is_name = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '"' | '-' | '_' | ' ');
    if begin.is_empty() || !begin.chars().all(is_name) {
        return begin.is_empty();
    }
    let begin = letters(unquoted(begin));
    names.iter().any(|name| name.starts_with(&begin)) || "acme".starts_with(&begin)
}

/// The rows of a layout with a line for each attribute. Where positions begin at 0, they are one less than ours.
fn by_position<'t>(lines: &[Vec<&'t str>]) -> Result<Vec<Row<'t>>, String> {
    let mut rows = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let [place, name, rest @ ..] = &line[..] else {
            return Err(format!("line {}: expected `position,attribute,number`", at + 1));
        };
        match place.parse::<usize>() {
            Ok(place) => rows.push((place, *name, rest.first().and_then(|number| number.parse().ok()))),
            // Titles above.
            Err(_) if at == 0 => {}
            Err(_) => return Err(format!("line {}: the position is not a number", at + 1)),
        }
    }
    let begins_at_0 = rows.iter().any(|(place, ..)| *place == 0);
    rows.iter_mut().for_each(|(place, ..)| *place = place.saturating_add(usize::from(begins_at_0)));
    Ok(rows)
}

fn unquoted(cell: &str) -> &str {
    cell.trim().trim_matches('"').trim()
}

/// A name by its letters and digits, without case and the vendor's own name before it.
fn letters(name: &str) -> String {
    let letters: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect();
    letters.strip_prefix("acme").unwrap_or(&letters).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: &str = "1,Acct-Status-Type,nil\n4,Acct-Session-Id,nil\n15,h323-connect-time,nil\n22,Acme-Session-Egress-Realm,42\n\
        23,Acme-Ingress--Relm,41\n134,Acme-Disconnect-Cause,62\n135,SIP Status,71\n171,Acme-CDR-Sequence-Number,59\n";

    #[test]
    fn reads_a_line_for_each_attribute() {
        let layout = Layout::read(ROWS).unwrap();
        let places =
            [A::Status, A::SessionId, A::IngressRealm, A::EgressRealm, A::Cause, A::SipStatus, A::SetupTime];
        assert_eq!(places.map(|attribute| layout.place(attribute)), [1, 4, 23, 22, 134, 135, 0]);
        assert_eq!(layout.columns, 171);
        let titled = format!("Position,Attribute,VSA\r\n# a remark\r\n{ROWS}");
        assert_eq!(Layout::read(&titled), Ok(layout.clone()));
        let from_0: String = ROWS.lines().fold(String::new(), |text, row| {
            let (place, rest) = row.split_once(',').unwrap();
            text + &format!("{},{rest}\n", place.parse::<usize>().unwrap() - 1)
        });
        assert_eq!(Layout::read(&from_0), Ok(layout));
    }

    #[test]
    fn reads_a_line_of_names() {
        let names = "Acct-Status-Type,\"NAS-IP-Address\",Acct-Session-Id,h323-connect-time,Acme-SIP-Status";
        let layout = Layout::read(names).unwrap();
        assert_eq!([A::SessionId, A::SipStatus].map(|attribute| layout.place(attribute)), [3, 5]);
        assert!(is_names(names) && !is_names("2,192.0.2.1"));
    }

    #[test]
    fn lines_of_a_layout_are_no_records() {
        for (line, expected) in [
            ("0,Acct-Status-Type,nil", true),
            ("2,NAS-IP-Address", true),
            ("135,Acme-SIP-Status,71", true),
            ("position,attribute,VSA", true),
            ("2,192.0.2.1,5060", false),
            ("2,fe80::1", false),
            ("2,a1,", false),
            ("4,\"Acme-Session--Generic-Id\",40", true),
            ("2,Acct-Status-Type,nil,5060", false),
            ("4000,Acct-Status-Type", false),
            ("2", false),
        ] {
            let cells: Vec<String> = line.split(',').map(|cell| unquoted(cell).to_owned()).collect();
            assert_eq!(is_layout_line(&cells), expected, "{line}");
        }
    }

    #[test]
    fn says_what_is_missing() {
        for (text, message) in [
            ("", "it is empty"),
            ("a\nb,c", "line 1: expected `position,attribute,number`"),
            ("1,Acct-Status-Type\nx,Acct-Session-Id", "line 2: the position is not a number"),
            ("Acct-Session-Id,h323-connect-time", "Acct-Status-Type is missing"),
            ("Acct-Status-Type", "Acct-Session-Id is missing"),
            ("Acct-Status-Type,Acct-Session-Id", "h323-connect-time is missing"),
            (
                "Acct-Status-Type,Acct-Session-Id,h323-connect-time",
                "Acme-SIP-Status and Acme-Disconnect-Cause are missing",
            ),
            (
                "1,Acct-Status-Type\n2,Acct-Session-Id\n3,h323-connect-time\n4000,SIP-Status",
                "a position is over 1000",
            ),
        ] {
            assert_eq!(Layout::read(text), Err(message.to_owned()), "{text}");
        }
    }

    #[test]
    fn published_layouts_stand_by_their_columns() {
        let places = [169, 171, 175].map(|columns| Layout::published(columns).unwrap().place(A::SipStatus));
        assert_eq!(places, [134, 135, 135]);
        assert_eq!(Layout::published(100), None);
    }
}
