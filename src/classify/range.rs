//! Ranges of Microsoft codes: what the first digits of a code say that the catalogue does not list. Counting and
//! `explain` read the same table.
//!
//! Microsoft documents 560xxx and 540xxx as ranges. A row for any other says what its listed codes have in common.

use std::ops::RangeInclusive;

use super::entry::Side;

/// What the codes of a range have in common.
#[derive(Debug, PartialEq)]
pub struct Range {
    pub codes: RangeInclusive<u64>,
    /// The value of the `cause` label, at most [`super::table::MAXIMUM_CAUSE`] characters.
    pub cause: &'static str,
    /// The value of the `category` label.
    pub category: &'static str,
    /// Who can do something about it, where the range tells.
    pub side: Option<Side>,
    /// Whether calls that went well end with codes of this range, too.
    pub has_normal_ends: bool,
    pub meaning: &'static str,
    pub remedy: &'static str,
}

/// The range of a Microsoft code, if it is in one.
pub fn of(microsoft_code: u64) -> Option<&'static Range> {
    ALL.iter().find(|range| range.codes.contains(&microsoft_code))
}

/// The SIP code that a Microsoft code of 560xxx says the SBC refused with. Below 300 nothing is refused.
pub fn sbc_refusal(microsoft_code: u64) -> Option<u16> {
    match microsoft_code {
        560_300..=560_999 => u16::try_from(microsoft_code - 560_000).ok(),
        _ => None,
    }
}

/// The Microsoft code of a call that the SBC, or the PSTN behind it, refused with this final SIP code.
pub fn of_sbc_refusal(sip_code: u16) -> Option<u64> {
    matches!(sip_code, 300..=699).then(|| 560_000 + u64::from(sip_code))
}

/// All ranges but 560xxx, whose causes carry the name of the SIP code: see [`sbc_refusal`].
pub static ALL: [Range; 8] = [
    Range {
        codes: 10_000..=10_999,
        cause: "Unlisted 10xxx: Teams user, bot or policy",
        category: "unlisted",
        side: None,
        has_normal_ends: true,
        meaning: "10xxx: listed codes are about the Teams user, client, bot or policy that was called.",
        remedy: "Look at the called user first: signed in, licence, calling policy, call queue or bot.",
    },
    Range {
        codes: 301_000..=301_999,
        cause: "Unlisted 301xxx: media",
        category: "media",
        side: Some(Side::Network),
        has_normal_ends: false,
        meaning: "301xxx: listed codes are about media, in the numbers of Azure Communication Services.",
        remedy: "Check the network, firewall and VPN of the Teams user for the media ports of Microsoft.",
    },
    Range {
        codes: 510_000..=510_999,
        cause: "Unlisted 510xxx: routing or policy of the tenant",
        category: "voice_routing",
        side: Some(Side::Tenant),
        has_normal_ends: false,
        meaning: "510xxx: listed codes are about routing, numbers, licences and trunks in the tenant.",
        remedy: "Check voice routes, trunk, number and licence of the user in the Teams admin center.",
    },
    Range {
        codes: 511_000..=511_999,
        cause: "Unlisted 511xxx: trunk or number look-up",
        category: "voice_routing",
        side: Some(Side::Tenant),
        has_normal_ends: false,
        meaning: "511xxx: listed codes are about the look-up of a trunk or number.",
        remedy: "Check that the number is assigned, and that the SBC sends it as it is assigned (E.164).",
    },
    Range {
        codes: 531_000..=531_999,
        cause: "Unlisted 531xxx: SDP, SRTP or ICE",
        category: "media",
        side: None,
        has_normal_ends: false,
        meaning: "531xxx: listed codes are about media: SDP, SRTP and ICE.",
        remedy: "Compare the SBC's SDP with what Teams accepts, then check the media ports on the way.",
    },
    // Teams documents every code outside 560xxx as Microsoft's; Azure Communication Services, 540xxx as the SBC's.
    Range {
        codes: 540_300..=540_999,
        cause: "Unlisted 540xxx: refused",
        category: "refused",
        side: None,
        has_normal_ends: false,
        meaning: "540xxx: refused on a call that came in through the SBC; the last three digits are most often \
                  the SIP code. Microsoft's pages disagree whether Microsoft or the SBC refused.",
        remedy: "Read the SBC's log of such a call: who sent the final answer, and with which Reason header.",
    },
    Range {
        codes: 549_000..=549_999,
        cause: "Unlisted 549xxx: not delivered to the SBC",
        category: "sbc_unreachable",
        side: Some(Side::Sbc),
        has_normal_ends: false,
        meaning: "549xxx: Microsoft could not deliver a message to the SBC: link down, or SIP it cannot parse.",
        remedy: "Check that the SBC is up and reachable, then the SIP that it writes.",
    },
    // Five of its seven listed codes are about certificate or DNS. So an alert for these rings for a new code, too: most
    // likely every call to that SBC fails.
    Range {
        codes: 569_000..=569_999,
        cause: "Unlisted 569xxx: TLS, TCP or DNS to the SBC",
        category: "certificate",
        side: Some(Side::Sbc),
        has_normal_ends: false,
        meaning: "569xxx: Microsoft could not deliver a message to the SBC: TCP, TLS, certificate or DNS.",
        remedy: "Check in this order: the SBC's name in public DNS, its port and firewall, TLS, its certificate.",
    },
];

/// What 560xxx says.
pub const SBC_REFUSED: &str = "560xxx: the SBC gave the final SIP code; it is the last three digits.";

/// What a range says about one of its codes, 560xxx included.
pub fn meaning(microsoft_code: u64) -> Option<&'static str> {
    match sbc_refusal(microsoft_code) {
        Some(_) => Some(SBC_REFUSED),
        None => of(microsoft_code).map(|range| range.meaning),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Catalogue;
    use super::super::table::MAXIMUM_CAUSE;
    use super::*;
    use crate::call::Outcome;

    #[test]
    fn ranges_are_apart_and_in_order() {
        assert!(ALL.is_sorted_by(|left, right| left.codes.end() < right.codes.start()));
    }

    #[test]
    fn names_fit_their_label_and_say_which_codes() {
        for range in &ALL {
            let Range { cause, codes, category, .. } = range;
            assert!(cause.chars().count() <= MAXIMUM_CAUSE, "{cause}");
            let digits = codes.end() / 1000;
            assert!(cause.starts_with(&format!("Unlisted {digits}xxx: ")), "{cause}");
            assert!(range.meaning.starts_with(&format!("{digits}xxx: ")), "{cause}");
            assert!(category.chars().all(|letter| matches!(letter, 'a'..='z' | '_')), "{category}");
        }
    }

    /// Otherwise a code without a SIP code, or a flag, would be told to have failed.
    #[test]
    fn only_ranges_that_say_so_list_normal_ends() {
        for entry in Catalogue::built_in().entries() {
            if let Some(range) = of(entry.microsoft_code)
                && entry.outcome == Outcome::Answered
            {
                assert!(range.has_normal_ends, "{} is in {}", entry.microsoft_code, range.cause);
            }
        }
    }

    #[test]
    fn codes_and_their_ranges() {
        for (code, cause) in [
            (569_000, Some("Unlisted 569xxx: TLS, TCP or DNS to the SBC")),
            (569_999, Some("Unlisted 569xxx: TLS, TCP or DNS to the SBC")),
            (570_000, None),
            (540_403, Some("Unlisted 540xxx: refused")),
            (540_200, None),
            (560_488, None),
            (10_123, Some("Unlisted 10xxx: Teams user, bot or policy")),
            (1_000, None),
            (0, None),
        ] {
            assert_eq!(of(code).map(|range| range.cause), cause, "{code}");
        }
    }

    #[test]
    fn refusals_of_the_sbc() {
        for (microsoft, sip) in [(560_300, 300), (560_488, 488), (560_699, 699)] {
            assert_eq!(sbc_refusal(microsoft), Some(sip));
            assert_eq!(of_sbc_refusal(sip), Some(microsoft));
        }
        assert_eq!([560_000, 560_299, 561_000, 540_488, 488].map(sbc_refusal), [None; 5]);
        assert_eq!([0, 180, 200, 299, 700].map(of_sbc_refusal), [None; 5]);
    }
}
