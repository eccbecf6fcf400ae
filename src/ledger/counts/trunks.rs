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
                return label;
            }
        }
        fqdn
    }
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
