//! The places in a JSON object that a mapping asks for, found in one walk over its text, which is checked to be JSON.

mod outline;
mod scalar;

pub use self::scalar::unescape;

use fearless_simd::{Level, Simd, dispatch};

pub use self::outline::Outlines;
use self::outline::{FoundLeaf, Kind};
use self::scalar::{literal, number, string};
use super::quick::{MOST, Values};
use crate::format::mapped::record::names_in;
use crate::format::scan;
use crate::framing::Holders;

/// Objects and arrays within each other; deeper ones are left to others.
const DEEPEST: u32 = 16;

/// The names that lead to places: those of an object, and within each those of the object behind it.
#[derive(Debug, Default)]
pub struct Tree(Vec<Node>);

#[derive(Debug)]
struct Node {
    name: Vec<u8>,
    /// Its own bit among those of all nodes: a name that comes twice is left to others.
    bit: u64,
    slot: Option<usize>,
    within: Tree,
}

/// Where the values are, and which names came; the place 0 is that of none, as a brace stands there.
struct Found {
    places: [(usize, usize); MOST],
    seen: u64,
    /// The slot whose text may have escapes.
    escaped: Option<usize>,
    holders: Holders,
    /// All values, where the record is worth an outline.
    leaves: Option<Vec<FoundLeaf>>,
}

impl Found {
    /// Whether the string of this slot must have no escapes.
    fn is_plain(&self, slot: Option<usize>) -> bool {
        slot.is_some() && slot != self.escaped
    }

    /// Forgets what was found in a record that turned out to be written in another way.
    fn forget(&mut self) {
        self.places = [(0, 0); MOST];
    }
}

impl Tree {
    /// Of places, by JSON Pointer or by the name of a property; `None` where there are too many names. Each has the slot of its
    /// place in the list.
    pub fn of(places: &[&str]) -> Option<Self> {
        let (mut tree, mut bits) = (Self::default(), (0..u64::BITS).map(|bit| 1 << bit));
        for (slot, place) in places.iter().enumerate() {
            tree.add(&names_in(place), slot, &mut bits)?;
        }
        Some(tree)
    }

    fn add(&mut self, names: &[String], slot: usize, bits: &mut impl Iterator<Item = u64>) -> Option<()> {
        let (first, rest) = names.split_first()?;
        let place = match self.0.iter().position(|node| node.name == first.as_bytes()) {
            Some(place) => place,
            None => {
                let name = first.clone().into_bytes();
                self.0.push(Node { name, bit: bits.next()?, slot: None, within: Self::default() });
                self.0.len() - 1
            }
        };
        if !rest.is_empty() {
            return self.0[place].within.add(rest, slot, bits);
        }
        // The same place, by name and by pointer.
        if self.0[place].slot.is_some() {
            return None;
        }
        self.0[place].slot = Some(slot);
        Some(())
    }

    /// The values in the object that a text begins with, and where that ends. `None` where the text begins with anything else, or
    /// something in it is unusual: an escape in any but the `escaped` slot that is wanted, or a fraction, a name that comes twice,
    /// a line end.
    pub fn read<'t>(
        &self,
        text: &'t [u8],
        holders: Holders,
        escaped: Option<usize>,
        outlines: &mut Outlines,
        values: &mut Values<'t>,
    ) -> Option<usize> {
        if text.first() != Some(&b'{') {
            return None;
        }
        let mut found = Found { places: [(0, 0); MOST], seen: 0, escaped, holders, leaves: None };
        let end = match dispatch!(Level::new(), simd => outlines.read(simd, text, &mut found)) {
            Some(end) => end,
            None => self.walk(text, outlines, &mut found)?,
        };
        let record = str::from_utf8(&text[..end]).ok()?;
        for (value, (begin, end)) in values.iter_mut().zip(found.places).filter(|(_, (begin, _))| *begin > 0)
        {
            *value = record.get(begin..end);
        }
        Some(end)
    }

    /// Goes through a record that is written as none before.
    #[inline(never)]
    fn walk(&self, text: &[u8], outlines: &mut Outlines, found: &mut Found) -> Option<usize> {
        found.leaves = outlines.learns().then(Vec::new);
        let end = dispatch!(Level::new(), simd => object(simd, text, 1, self, found, 0))?;
        if let Some(leaves) = &found.leaves {
            outlines.learn(&text[..end], leaves);
        }
        Some(end)
    }
}

/// Where what is no blank begins. A line end may be that of a record that is cut.
#[inline(always)]
fn behind_blanks(text: &[u8], mut at: usize) -> Option<usize> {
    while matches!(text.get(at)?, b' ' | b'\t') {
        at += 1;
    }
    Some(at)
}

/// The object whose properties begin there; returns where it ends.
#[inline(always)]
fn object<S: Simd>(
    simd: S,
    text: &[u8],
    at: usize,
    tree: &Tree,
    found: &mut Found,
    depth: u32,
) -> Option<usize> {
    let mut at = behind_blanks(text, at)?;
    if text.get(at) == Some(&b'}') {
        return Some(at + 1);
    }
    loop {
        let begin = at;
        if text.get(at) != Some(&b'"') {
            return None;
        }
        at += 1;
        at += scan::find_stop(simd, text.get(at..)?)?;
        if text.get(at) != Some(&b'"') {
            return None;
        }
        let quoted = &text[begin..=at];
        at = behind_blanks(text, at + 1)?;
        if text.get(at) != Some(&b':') {
            return None;
        }
        at = behind_blanks(text, at + 1)?;
        let name = &quoted[1..quoted.len() - 1];
        let node = tree.0.iter().find(|node| node.name == name);
        if let Some(node) = node {
            if found.seen & node.bit != 0 {
                return None;
            }
            found.seen |= node.bit;
        }
        if depth == 0 && matches!(text.get(at)?, b'[' | b'{') && found.holders.make_envelope(quoted, text[at])
        {
            return None;
        }
        at = value(simd, text, at, node, found, depth)?;
        at = behind_blanks(text, at)?;
        match text.get(at)? {
            b',' => at = behind_blanks(text, at + 1)?,
            b'}' => return Some(at + 1),
            _ => return None,
        }
    }
}

/// The value that begins there; returns where it ends.
#[inline(always)]
fn value<S: Simd>(
    simd: S,
    text: &[u8],
    at: usize,
    node: Option<&Node>,
    found: &mut Found,
    depth: u32,
) -> Option<usize> {
    let kind = Kind { slot: node.and_then(|node| node.slot), is_array: node.is_none(), depth };
    let (begin, end, next) = match text.get(at)? {
        b'"' => {
            let end = string(simd, text, at + 1, found.is_plain(kind.slot))?;
            (at + 1, end, end + 1)
        }
        b'{' if kind.slot.is_some() || depth == DEEPEST => return None,
        b'{' => return nested(text, at + 1, node.map(|node| &node.within), found, depth + 1),
        _ => scalar_or_array(text, at, kind, found)?,
    };
    if let Some(place) = kind.slot.and_then(|slot| found.places.get_mut(slot)) {
        *place = (begin, end);
    }
    if let Some(leaves) = &mut found.leaves {
        let is_array = text[at] == b'[';
        leaves.push(FoundLeaf { begin: at, next, kind: Kind { is_array, ..kind } });
    }
    Some(next)
}

/// A number, a word, or an array where there may be one: what it says begins and ends there, and what follows it.
#[inline(always)]
fn scalar_or_array(text: &[u8], at: usize, kind: Kind, found: &mut Found) -> Option<(usize, usize, usize)> {
    match text.get(at)? {
        b't' => literal(text, at, b"true"),
        b'f' => literal(text, at, b"false"),
        // No value.
        b'n' => literal(text, at, b"null").map(|(_, _, next)| (0, 0, next)),
        b'-' | b'0'..=b'9' => {
            let end = number(text, at, kind.slot.is_some())?;
            Some((at, end, end))
        }
        // Places may be elements.
        b'[' if kind.is_array && kind.depth < DEEPEST => {
            // What is in it is part of one value.
            let leaves = found.leaves.take();
            let next = array(text, at + 1, found, kind.depth + 1)?;
            found.leaves = leaves;
            Some((at, next, next))
        }
        _ => None,
    }
}

/// As [`object`]; a call of its own, so that objects in objects can be.
#[inline(never)]
fn nested(text: &[u8], at: usize, tree: Option<&Tree>, found: &mut Found, depth: u32) -> Option<usize> {
    static NOTHING: Tree = Tree(Vec::new());
    let tree = tree.unwrap_or(&NOTHING);
    dispatch!(Level::new(), simd => object(simd, text, at, tree, found, depth))
}

/// The array whose elements begin there, of which none is wanted.
#[inline(never)]
fn array(text: &[u8], at: usize, found: &mut Found, depth: u32) -> Option<usize> {
    let mut at = behind_blanks(text, at)?;
    if text.get(at) == Some(&b']') {
        return Some(at + 1);
    }
    loop {
        at = dispatch!(Level::new(), simd => value(simd, text, at, None, found, depth))?;
        at = behind_blanks(text, at)?;
        match text.get(at)? {
            b',' => at = behind_blanks(text, at + 1)?,
            b']' => return Some(at + 1),
            _ => return None,
        }
    }
}
