//! Teams admin center `DirectRouting.calls.<UTC date>.csv`.
use super::Decoded;
#[derive(Debug, Default)]
pub struct Decoder {}
impl Decoder {
    pub fn decode<'a>(&'a mut self, _record: &'a [u8]) -> Decoded<'a> {
        Decoded::Ignored
    }
}
#[derive(Debug, Clone)]
pub struct Columns {}
impl Columns {
    pub fn from_header(_text: &[u8]) -> Option<Self> {
        None
    }
}
