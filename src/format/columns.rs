//! The cells of a few columns of a row, found without taking the others apart: rows of devices have hundreds of columns.
//!
//! 64 bytes are looked at in one step, with the widest instructions that the processor has.

use fearless_simd::prelude::*;
use fearless_simd::{Level, dispatch, u8x64};

pub use crate::framing::{COMMAS, Marks};

const BLOCK: usize = 64;

/// The columns that are wanted, counted from 0 and rising.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted<const N: usize>([u16; N]);

/// The cells of the wanted columns, without quotes around them; empty ones for columns that the row does not have. And how many
/// columns it has.
pub type CellsAndCount<'r, const N: usize> = ([&'r [u8]; N], usize);

/// Keeps the places of cells of one row, with the quotes around them, as its separators are found.
pub trait Keep {
    /// Takes the separators of a block, which begins at `base` and before which so many stand; `None` where there is no room.
    fn take(&mut self, separators: u64, base: u32, before: u32) -> Option<()>;

    /// The row is so long and has so many separators.
    fn end(&mut self, length: u32, separators: u32);

    /// Where a cell begins and ends, by its place among those that are kept.
    fn place(&self, place: usize) -> Option<(u32, u32)>;
}

/// The cells of the wanted columns. Those that the row does not have are empty.
#[derive(Debug)]
pub struct Picked<'w, const N: usize> {
    wanted: &'w [u16; N],
    places: [(u32, u32); N],
    /// The next one of the wanted, and where the cell begins that goes on here.
    next: usize,
    begin: u32,
}

impl<const N: usize> Keep for Picked<'_, N> {
    #[inline(always)]
    fn take(&mut self, mut separators: u64, base: u32, before: u32) -> Option<()> {
        let (mut number, until) = (before, before + separators.count_ones());
        while self.next < N && u32::from(self.wanted[self.next]) < until {
            let column = u32::from(self.wanted[self.next]);
            for _ in number + 1..column {
                separators &= separators - 1;
            }
            if number < column {
                self.begin = base + separators.trailing_zeros() + 1;
                separators &= separators - 1;
            }
            let end = base + separators.trailing_zeros();
            self.places[self.next] = (self.begin, end);
            (self.begin, number, self.next) = (end + 1, column + 1, self.next + 1);
            separators &= separators - 1;
        }
        if separators != 0 {
            self.begin = base + u64::BITS - separators.leading_zeros();
        }
        Some(())
    }

    #[inline(always)]
    fn end(&mut self, length: u32, separators: u32) {
        if self.next < N && u32::from(self.wanted[self.next]) == separators {
            self.places[self.next] = (self.begin, length);
        }
    }

    #[inline(always)]
    fn place(&self, place: usize) -> Option<(u32, u32)> {
        self.places.get(place).copied()
    }
}

/// All cells of a row, of which there is room for some fewer than `N`.
#[derive(Debug)]
pub struct All<const N: usize> {
    ends: [u32; N],
}

/// So many separators are taken in one step, whether there are as many or not: how many there are is then no branch, which the processor
/// would have to guess.
const STEP: usize = 8;

impl<const N: usize> Default for All<N> {
    fn default() -> Self {
        Self { ends: [0; N] }
    }
}

impl<const N: usize> Keep for All<N> {
    #[inline(always)]
    fn take(&mut self, mut separators: u64, base: u32, before: u32) -> Option<()> {
        let mut at = before as usize;
        loop {
            for end in self.ends.get_mut(at..at + STEP)? {
                *end = base + separators.trailing_zeros();
                separators &= separators.wrapping_sub(1);
            }
            if separators == 0 {
                return Some(());
            }
            at += STEP;
        }
    }

    #[inline(always)]
    fn end(&mut self, length: u32, separators: u32) {
        if let Some(end) = self.ends.get_mut(separators as usize) {
            *end = length;
        }
    }

    #[inline(always)]
    fn place(&self, place: usize) -> Option<(u32, u32)> {
        let before = place.checked_sub(1).map(|before| self.ends.get(before));
        Some((before.map_or(Some(0), |end| Some(end? + 1))?, *self.ends.get(place)?))
    }
}

/// The row that a text begins with, and the places of cells in it.
#[derive(Debug)]
pub struct FirstRow<'r, 'p, Places> {
    places: &'p Places,
    quote: Option<u8>,
    looked: Looked,
    /// All of it, without its line end.
    pub row: &'r [u8],
    /// Where the next one begins.
    pub next: usize,
}

impl<'r, Places: Keep> FirstRow<'r, '_, Places> {
    /// How many columns it has.
    pub fn count(&self) -> usize {
        self.looked.count
    }

    /// The cell at this place among those that are kept, without quotes around it; `None` where one in it is doubled: reading that
    /// is left to others.
    #[inline(always)]
    pub fn cell(&self, place: usize) -> Option<&'r [u8]> {
        let (begin, end) = self.place_of(place)?;
        self.row.get(begin..end)
    }

    /// As [`FirstRow::cell`], as text; `None` also where it is none. `whole` is [`FirstRow::text`].
    #[inline(always)]
    pub fn text_of(&self, place: usize, whole: Option<&'r str>) -> Option<&'r str> {
        let (begin, end) = self.place_of(place)?;
        match whole {
            Some(whole) => whole.get(begin..end),
            None => str::from_utf8(self.row.get(begin..end)?).ok(),
        }
    }

    /// As [`FirstRow::text_of`]; quotes in it are doubled where they are in the row.
    #[inline(always)]
    pub fn text_as_written(&self, place: usize, whole: Option<&'r str>) -> Option<&'r str> {
        let (begin, end) = self.places.place(place)?;
        let (begin, end) = without_quotes(self.row, self.quote, (begin as usize, end as usize));
        whole?.get(begin..end)
    }

    /// All of it as text, where it is one: one look at a whole row costs less than one at each cell.
    #[inline(always)]
    pub fn text(&self) -> Option<&'r str> {
        str::from_utf8(self.row).ok()
    }

    #[inline(always)]
    fn place_of(&self, place: usize) -> Option<(usize, usize)> {
        let (begin, end) = self.places.place(place)?;
        self.looked.within_quotes(self.row, self.quote, (begin as usize, end as usize))
    }
}

/// The row that a text begins with, which is one line that ends with LF or CR LF; quotes may be doubled. One that is empty, has a
/// carriage return alone or a NUL, or begins with a byte-order mark is left to others, as is one with line ends in its cells. `places`
/// are those of no row before.
#[inline(always)]
pub fn first_row<'r, 'p, Places: Keep>(
    text: &'r [u8],
    marks: Marks,
    places: &'p mut Places,
) -> Option<FirstRow<'r, 'p, Places>> {
    let looked = dispatch!(Level::new(), simd => find(simd, text, marks, places, true))?;
    let (row, ending) = text.split_at_checked(looked.length)?;
    let next = match ending {
        [b'\n', ..] => looked.length + 1,
        [b'\r', b'\n', ..] => looked.length + 2,
        _ => return None,
    };
    let is_left = matches!(row, [] | [0xef, 0xbb, 0xbf, ..]);
    (!is_left).then_some(FirstRow { places, quote: marks.quote, looked, row, next })
}

/// None.
impl<const N: usize> Default for Wanted<N> {
    fn default() -> Self {
        Self([u16::MAX; N])
    }
}

impl<const N: usize> Wanted<N> {
    /// These columns, of which each stands behind the one before it.
    pub const fn rising(columns: [u16; N]) -> Self {
        let mut place = 1;
        while place < N {
            assert!(columns[place - 1] < columns[place], "columns rise");
            place += 1;
        }
        Self(columns)
    }

    /// As [`Wanted::rising`], of fewer columns; `None` of more. Those that are missing are in no row.
    pub fn few(columns: &[u16]) -> Option<Self> {
        let mut padded = [u16::MAX; N];
        padded.get_mut(..columns.len())?.copy_from_slice(columns);
        Some(Self(padded))
    }

    /// The place of a column among them.
    pub fn place(&self, column: u16) -> Option<usize> {
        self.0.binary_search(&column).ok()
    }

    /// Whether a row of so many columns has the one at this place among them.
    pub fn is_in(&self, place: usize, count: usize) -> bool {
        self.0.get(place).is_some_and(|column| usize::from(*column) < count)
    }

    /// The places of these columns in a row, which is not looked at yet.
    #[inline(always)]
    pub fn places(&self) -> Picked<'_, N> {
        Picked { wanted: &self.0, places: [(0, 0); N], next: 0, begin: 0 }
    }

    /// The cells of a row, which has no line end; `None` where a quote stands in a cell other than around all of it, is not
    /// closed, or is doubled in a cell that is wanted: reading that is left to others.
    pub fn cells<'r>(&self, row: &'r [u8], marks: Marks) -> Option<CellsAndCount<'r, N>> {
        let mut places = self.places();
        let looked = dispatch!(Level::new(), simd => find(simd, row, marks, &mut places, false))?;
        let mut cells = [b"".as_slice(); N];
        for (cell, (begin, end)) in cells.iter_mut().zip(places.places) {
            let (begin, end) = looked.within_quotes(row, marks.quote, (begin as usize, end as usize))?;
            *cell = row.get(begin..end)?;
        }
        Some((cells, looked.count))
    }
}

/// A row that was looked at.
#[derive(Debug)]
struct Looked {
    /// How many cells it has.
    count: usize,
    /// How long it is.
    length: usize,
    /// From the first quote that is doubled to behind the last one.
    doubled: (usize, usize),
}

impl Looked {
    /// A place without the quotes around it; `None` where one within is doubled.
    #[inline(always)]
    fn within_quotes(&self, row: &[u8], quote: Option<u8>, cell: (usize, usize)) -> Option<(usize, usize)> {
        let (begin, end) = without_quotes(row, quote, cell);
        if (begin, end) == cell {
            return Some(cell);
        }
        let may_be_doubled = begin < self.doubled.1 && self.doubled.0 < end;
        let is_doubled = may_be_doubled && row.get(begin..end)?.contains(row.get(begin - 1)?);
        (!is_doubled).then_some((begin, end))
    }
}

/// A cell's place in a row, without the quotes around it: a quote stands nowhere else, or doubled in such a cell.
#[inline(always)]
fn without_quotes(row: &[u8], quote: Option<u8>, (begin, end): (usize, usize)) -> (usize, usize) {
    let is_quoted = quote.is_some() && begin != end && row.get(begin).copied() == quote;
    if is_quoted { (begin + 1, end - 1) } else { (begin, end) }
}

/// Where the quotes stand, as far as the blocks before tell.
#[derive(Default)]
struct Quotes {
    /// All ones within quotes.
    inside: u64,
    /// Whether the last byte closed quotes, or else may stand before ones that open: a separator, or the row's beginning.
    closed: u64,
    may_open: u64,
}

impl Quotes {
    /// The separators outside of quotes, and the second ones of quotes that are doubled; `None` where a quote stands as none may.
    #[inline(always)]
    fn separators(&mut self, quotes: u64, separators: u64, end: u64) -> Option<(u64, u64)> {
        if quotes == 0 && self.inside == 0 && self.closed == 0 {
            self.may_open = separators >> 63;
            return Some((separators, 0));
        }
        // Each bit turned over by all quotes up to its place.
        let mut within = quotes;
        for shift in [1, 2, 4, 8, 16, 32] {
            within ^= within << shift;
        }
        within ^= self.inside;
        let separators = separators & !within;
        let (opening, closing) = (quotes & within, quotes & !within);
        let behind_closing = closing << 1 | self.closed;
        let may_open = separators << 1 | self.may_open | behind_closing;
        let is_odd = opening & !may_open | behind_closing & !(separators | opening | end);
        (self.inside, self.closed) = (0_u64.wrapping_sub(within >> 63), closing >> 63);
        self.may_open = separators >> 63;
        (is_odd == 0).then_some((separators, opening & behind_closing))
    }
}

/// Finds the cells of a row that is all of the text, or ends where its first line does.
#[inline(always)]
fn find<S: Simd>(
    simd: S,
    text: &[u8],
    marks: Marks,
    places: &mut impl Keep,
    is_first: bool,
) -> Option<Looked> {
    let mut quotes = Quotes { may_open: 1, ..Quotes::default() };
    let (mut number, mut base, mut length) = (0, 0, u32::try_from(text.len()).ok()?);
    let mut doubled = (u32::MAX, 0);
    while base <= length {
        let rest = &text[base as usize..];
        let mut last = [0; BLOCK];
        let block = rest.first_chunk().unwrap_or_else(|| {
            last[..rest.len()].copy_from_slice(rest);
            &last
        });
        let bytes = u8x64::from_slice(simd, block);
        let mut end = if rest.len() < BLOCK { u64::MAX << rest.len() } else { 0 };
        let line_end = if is_first { line_ends(bytes) & !end } else { 0 };
        if line_end != 0 {
            let within = line_end.trailing_zeros();
            (end, length) = (u64::MAX << within, base + within);
        }
        let is_in = !end;
        let separators = bytes.simd_eq(marks.separator).to_bitmask() & is_in;
        let quoting = marks.quote.map_or(0, |quote| bytes.simd_eq(quote).to_bitmask());
        let (separators, second) = quotes.separators(quoting & is_in, separators, end)?;
        if second != 0 {
            let behind = base + u64::BITS - second.leading_zeros();
            doubled = (doubled.0.min(base + second.trailing_zeros()), behind);
        }
        places.take(separators, base, number)?;
        number += separators.count_ones();
        base += u64::BITS;
    }
    places.end(length, number);
    // No column is counted as one of those that are missing.
    let has_few = number < u32::from(u16::MAX);
    (quotes.inside == 0 && has_few).then_some(Looked {
        count: number as usize + 1,
        length: length as usize,
        doubled: (doubled.0 as usize, doubled.1 as usize),
    })
}

/// Line ends, and what may stand in the place of one: a bit for each byte.
#[inline(always)]
fn line_ends<S: Simd>(bytes: u8x64<S>) -> u64 {
    // A tab is the only other one of these that a text has.
    match bytes.simd_le(b'\r').to_bitmask() {
        0 => 0,
        _ => (bytes.simd_eq(b'\n') | bytes.simd_eq(b'\r') | bytes.simd_eq(0)).to_bitmask(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::format::table::cells;

    /// As [`Wanted::cells`].
    fn slowly<const N: usize>(columns: [u16; N], row: &[u8]) -> Option<([Vec<u8>; N], usize)> {
        let mut all = Vec::new();
        cells::for_each(row, b',', |cell| all.push(cell)).ok()?;
        let has_quote = |cell: &cells::Cell| {
            let is_plain = cell.begin == 0 || row[cell.begin - 1] != b'"';
            cell.doubled || is_plain && row[cell.begin..cell.end].contains(&b'"')
        };
        let is_odd = all.iter().any(|cell| has_quote(cell) && !cell.doubled);
        let wanted = columns.map(|column| all.get(usize::from(column)).copied().unwrap_or_default());
        if is_odd || wanted.iter().any(has_quote) {
            return None;
        }
        Some((wanted.map(|cell| row[cell.begin..cell.end].to_vec()), all.len()))
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn cells_are_those_of_a_whole_reading(
            row in "([a,]{0,20}|[a,\"]{0,12}|(\"([a,]|\"\"){0,70}\"[,a\"]?){0,5}|[a,]{0,150}){1,4}",
            first in 0..3_u16, steps in proptest::array::uniform3(1..9_u16),
        ) {
            let [one, two, three] = steps;
            let columns = [first, first + one, first + one + two, first + one + two + three];
            let wanted = Wanted::rising(columns);
            let found = wanted.cells(row.as_bytes(), COMMAS);
            let found = found.map(|(cells, count)| (cells.map(<[u8]>::to_vec), count));
            prop_assert_eq!(&found, &slowly(columns, row.as_bytes()));
            for ending in ["", "\n", "\r\n", "\n,\"", "\r\n,\"", "\r,\n", "\0\n"] {
                let text = format!("{row}{ending}");
                let mut places = wanted.places();
                let first = first_row(text.as_bytes(), COMMAS, &mut places).and_then(|it| {
                    let [one, two, three, four] = [0, 1, 2, 3].map(|place| it.cell(place).map(<[u8]>::to_vec));
                    let texts = [0, 1, 2, 3].map(|place| it.text_of(place, it.text()).map(|text| text.as_bytes().to_vec()));
                    assert_eq!(texts, [&one, &two, &three, &four].map(Clone::clone));
                    Some((it.row.to_vec(), it.next, ([one?, two?, three?, four?], it.count())))
                });
                let mut all = All::<1024>::default();
                let all = first_row(text.as_bytes(), COMMAS, &mut all).and_then(|it| {
                    let cell = |column: u16| match usize::from(column) < it.count() {
                        true => it.cell(usize::from(column)).map(<[u8]>::to_vec),
                        false => Some(Vec::new()),
                    };
                    let [one, two, three, four] = columns.map(cell);
                    Some((it.row.to_vec(), it.next, ([one?, two?, three?, four?], it.count())))
                });
                prop_assert_eq!(&all, &first, "{:?}", text);
                let next = row.len() + ending.find('\n').map_or(0, |newline| newline + 1);
                let is_line = ending.trim_start_matches('\r').starts_with('\n') && !row.is_empty();
                let expected = found.clone().filter(|_| is_line);
                prop_assert_eq!(first, expected.map(|found| (row.clone().into_bytes(), next, found)), "{:?}", text);
            }
        }
    }
}
