//! The trunks of one source: by which name each is shown, and which are folded.

use std::sync::Arc;

use hashbrown::HashMap;
use regex::Regex;

use super::{OTHER, RouteIndex};
use crate::reading::trunk::HIDDEN;

/// The operator's name for the trunks whose whole FQDN matches: `$1` in the name is the first group.
#[derive(Debug, Clone)]
pub struct TrunkName {
    pub matches: Regex,
    pub name: String,
}

impl TrunkName {
    /// A name for the trunks that match.
    ///
    /// # Errors
    /// Why trunks of this name could not be seen as such.
    pub fn new(matches: Regex, name: String) -> Result<Self, String> {
        if is_taken(&name) {
            return Err(match name.trim() {
                "" => "a trunk needs a name; it becomes the label `trunk`".to_owned(),
                name => format!(
                    "`{name}` is what trunks are shown as that are not to be seen: choose another name"
                ),
            });
        }
        let has = |group: &str| match group.parse::<usize>() {
            Ok(number) => number < matches.captures_len(),
            Err(_) => matches.capture_names().flatten().any(|name| name == group),
        };
        match groups(&name).into_iter().find(|group| !has(group)) {
            Some(group) => Err(format!(
                "`match` has no group `{group}`, so nothing would stand in its place: `${{1}}` is the first group, `$$` \
                 a dollar sign"
            )),
            None => Ok(Self { matches, name }),
        }
    }

    /// The label value of a trunk: the operator's name, else the FQDN in lower case, as DNS compares it.
    pub fn label(names: &[Self], spelling: &str) -> String {
        if spelling == HIDDEN {
            return HIDDEN.to_owned();
        }
        let fqdn = spelling.to_ascii_lowercase();
        for Self { matches, name } in names {
            if let Some(captures) = matches.captures(&fqdn) {
                let mut label = String::new();
                captures.expand(name, &mut label);
                // A group that took part in no match is empty, and one may hold any word.
                return if is_taken(&label) { fqdn } else { label };
            }
        }
        fqdn
    }
}

/// Whether a label says that no trunk is to be seen, whatever its blanks and its case are.
fn is_taken(label: &str) -> bool {
    let label = label.trim();
    ["", OTHER, HIDDEN].iter().any(|taken| label.eq_ignore_ascii_case(taken))
}

/// The groups that a name refers to, as [`regex::Captures::expand`] reads it.
fn groups(name: &str) -> Vec<&str> {
    let mut groups = Vec::new();
    let mut rest = name;
    while let Some((_, behind)) = rest.split_once('$') {
        let braced = behind.strip_prefix('{').and_then(|behind| behind.split_once('}'));
        let plain = behind.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(behind.len());
        rest = match braced {
            _ if behind.starts_with('$') => &behind[1..],
            Some((group, behind)) => {
                groups.push(group);
                behind
            }
            None => {
                groups.extend(Some(&behind[..plain]).filter(|group| !group.is_empty()));
                &behind[plain..]
            }
        };
    }
    groups
}

/// One source's trunks.
#[derive(Debug)]
pub struct Trunks {
    pub source: Arc<str>,
    names: Vec<TrunkName>,
    /// As records spell them, to a place in `known`, and whether they are folded there.
    pub spellings: HashMap<Box<str>, (usize, bool)>,
    pub known: Vec<Trunk>,
}

#[derive(Debug)]
pub struct Trunk {
    pub name: Arc<str>,
    pub routes: [Option<RouteIndex>; 3],
}

/// So many spellings of trunks are known at a glance, also of those that are folded: others cost a search.
const MOST_SPELLINGS: usize = 10_000;

impl Trunks {
    /// A source of which no trunk is known.
    pub fn new(source: Arc<str>, names: Vec<TrunkName>) -> Self {
        Self { source, names, spellings: HashMap::new(), known: Vec::new() }
    }

    /// Takes new names.
    pub fn rename(&mut self, names: Vec<TrunkName>) {
        self.names = names;
        self.forget_spellings();
    }

    /// Each spelling is looked at anew.
    pub fn forget_spellings(&mut self) {
        self.spellings.clear();
    }

    /// The place of the trunk that a record spells so, and whether it had to be folded under this limit.
    pub fn of(&mut self, spelling: &str, limit: usize) -> (usize, bool) {
        if let Some(trunk) = self.spellings.get(spelling) {
            return *trunk;
        }
        let name: Arc<str> = TrunkName::label(&self.names, spelling).into();
        let takes_room = |name: &str| ![OTHER, HIDDEN].contains(&name);
        let fits = || self.known.iter().filter(|trunk| takes_room(&trunk.name)).count() < limit;
        let trunk = match self.place(&name) {
            Some(trunk) => (trunk, false),
            None if !takes_room(&name) || fits() => (self.add(name), false),
            None => (self.place(OTHER).unwrap_or_else(|| self.add(OTHER.into())), true),
        };
        // Spellings differ by case only, yet there are many ways to do that.
        if self.spellings.len() < MOST_SPELLINGS.max(4 * limit) {
            self.spellings.insert(spelling.into(), trunk);
        }
        trunk
    }

    /// The place of the trunk of this name.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.known.iter().position(|trunk| &*trunk.name == name)
    }

    /// Adds a trunk that is not known.
    pub fn add(&mut self, name: Arc<str>) -> usize {
        self.known.push(Trunk { name, routes: [None; 3] });
        self.known.len() - 1
    }

    /// The trunks that were seen since the start, as records spell them but in lower case; without those that were folded.
    pub fn seen(&self) -> impl Iterator<Item = String> {
        let seen = self
            .spellings
            .iter()
            .filter(|(spelling, (_, is_folded))| !is_folded && !["", OTHER, HIDDEN].contains(&&***spelling));
        seen.map(|(spelling, _)| spelling.to_ascii_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_hides_trunks_is_refused() {
        let matches = || Regex::new(r"^(?i:(?<host>sbc(\d*))\.contoso\.com)$").unwrap();
        for name in [
            "", " ", "\u{a0}", "other", "Other", " hidden", "$3", "a-${3}", "$1_$2", "${host }", "$hots",
            "$$$3",
        ] {
            assert!(TrunkName::new(matches(), name.to_owned()).is_err(), "{name}");
        }
        let label = |name: &str, fqdn: &str| {
            TrunkName::label(&[TrunkName::new(matches(), name.to_owned()).unwrap()], fqdn)
        };
        for (name, expected) in [
            ("Berlin", "Berlin"),
            ("others", "others"),
            ("a-$2", "a-7"),
            ("$host", "sbc7"),
            ("${1}_${2}", "sbc7_7"),
            ("$$3", "$3"),
            ("a$", "a$"),
            ("$-${", "$-${"),
        ] {
            assert_eq!(label(name, "SBC7.contoso.com"), expected, "{name}");
        }
        assert_eq!(label("$2", "sbc.contoso.com"), "sbc.contoso.com", "its group is empty");
    }
}
