//! Microsoft Graph `directRoutingLogRow` as JSON.
use super::Decoded;
#[derive(Debug, Default)]
pub struct Decoder {}
impl Decoder {
    pub fn decode<'a>(&'a mut self, _record: &'a [u8]) -> Decoded<'a> {
        Decoded::Ignored
    }
}
