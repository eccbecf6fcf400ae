//! Days that differ, each with what is to be said of it.

use super::*;

const ALL: &[usize] = &[0, 1, 2, 3];
const INBOUND: &[Direction] = &[Direction::Inbound];

/// A day's name, its calls, and what is to be said of it.
type Day = (&'static str, fn(u64) -> Made, &'static [&'static str]);

const DAYS: &[Day] = &[
    (
        "a burst on one trunk",
        |seed| Made::new(seed).calls(0, 24, 30.0, &[fault(845, 890, &[1], MEDIA, 0.8)]),
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 46 of 55 calls on 2026-11-20 from 14:05 to 14:50 UTC; before that 5 of 763 in 14 hours.",
        ],
    ),
    (
        "a burst in one direction",
        |seed| {
            let burst = Fault { directions: INBOUND, ..fault(845, 890, &[1], MEDIA, 0.9) };
            Made::new(seed).calls(0, 24, 60.0, &[burst])
        },
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com, inbound: 59 of 65 calls on 2026-11-20 from 14:05 to 14:50 UTC; before that 2 of 736 in 14 hours.",
        ],
    ),
    (
        "a burst on all trunks",
        |seed| Made::new(seed).calls(0, 24, 30.0, &[fault(600, 660, ALL, REFUSED, 0.3)]),
        &[
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on 4 trunks: 103 of 362 calls on 2026-11-20 from 10:00 to 11:00 UTC; before that 4 of 1,378 in 10 hours.",
        ],
    ),
    (
        "a slow rise",
        |seed| {
            let rise = [(12, 0.02), (14, 0.04), (16, 0.06), (18, 0.08), (20, 0.1), (22, 0.12)];
            let steps = rise.map(|(hour, share)| fault(hour * 60, hour * 60 + 120, &[0], NUMBER, share));
            Made::new(seed).calls(0, 24, 60.0, &steps)
        },
        &[
            "Getting user info by number failed 510302/404 on sbc1.contoso.com: 84 of 1,446 calls since 2026-11-20 12:00 UTC; before that 2 of 1,011 in 12 hours.",
        ],
    ),
    (
        "a certificate ends",
        |seed| Made::new(seed).calls(0, 24, 20.0, &[fault(600, 1440, &[2], CERTIFICATE, 1.0)]),
        &[
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc3.contoso.com: all 667 calls since 2026-11-20 10:00 UTC; before that none of 238 in 10 hours.",
        ],
    ),
    (
        "a new cause",
        |seed| {
            let mut made = Made::new(seed).calls(0, 72, 10.0, &[]);
            for minute in [3500, 3720, 3990, 4050, 4222, 4300] {
                made.add(minute, TRUNKS[3], Direction::Outbound, Some(CERTIFICATE));
            }
            made
        },
        &[
            "New: certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc4.contoso.com: 6 calls since 2026-11-22 10:20 UTC; before that none of 3,872 in 2 days.",
        ],
    ),
    (
        "a trunk that differs",
        |seed| Made::new(seed).calls(0, 24, 10.0, &[fault(0, 1440, &[2], REFUSED, 0.1)]),
        &[
            "Calls on sbc3.contoso.com fail more often: 47 of 428 calls (11 %) against 14 of 1,267 on the other 3 trunks; most of them refused by the SBC (Forbidden; Call rejected 560403/403), 46 calls.",
        ],
    ),
    (
        "everything fails, all day",
        |seed| Made::new(seed).calls(0, 24, 10.0, &[fault(0, 1440, ALL, CERTIFICATE, 0.9)]),
        &[
            "Calls on 4 trunks fail all the time: 1,522 of 1,693 calls (90 %); most of them certificate or TLS (INVITE not delivered: certificate expired 569008/504), 1,520 calls.",
        ],
    ),
    (
        "a holiday",
        |seed| {
            let mut made = Made::new(seed).calls(0, 72, 40.0, &[]).calls(72, 96, 3.0, &[]);
            made = made.calls(96, 120, 40.0, &[]);
            made
        },
        &[],
    ),
    (
        "one call an hour, and none comes through from the afternoon on",
        |seed| {
            let mut made = Made::new(seed);
            for hour in 0..24 {
                let failed = (hour >= 14).then_some(CERTIFICATE);
                made.add(hour * HOUR + 20, TRUNKS[0], Direction::Inbound, failed);
            }
            made
        },
        &[
            "New: certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc1.contoso.com: all 10 calls since 2026-11-20 14:20 UTC; before that none of 14 in 14 hours.",
        ],
    ),
    (
        "one call an hour, of which two fail",
        |seed| {
            let mut made = Made::new(seed);
            for hour in 0..24 {
                let failed = matches!(hour, 9 | 10).then_some(REFUSED);
                made.add(hour * HOUR + 20, TRUNKS[0], Direction::Inbound, failed);
            }
            made
        },
        &[],
    ),
    (
        "two faults at once",
        |seed| {
            let faults = [fault(845, 890, &[1], MEDIA, 0.8), fault(840, 960, &[0, 2, 3], REFUSED, 0.25)];
            Made::new(seed).calls(0, 24, 60.0, &faults)
        },
        &[
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on sbc1.contoso.com, sbc3.contoso.com and sbc4.contoso.com: 267 of 1,073 calls on 2026-11-20 from 14:00 to 16:00 UTC; before that 17 of 4,301 in 14 hours.",
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 95 of 114 calls on 2026-11-20 from 14:05 to 14:50 UTC; before that 7 of 1,445 in 14 hours.",
        ],
    ),
    (
        "two trunks of four",
        |seed| Made::new(seed).calls(0, 24, 40.0, &[fault(840, 870, &[1, 2], MEDIA, 0.8)]),
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com and sbc3.contoso.com: 108 of 125 calls on 2026-11-20 from 14:00 to 14:30 UTC; before that 9 of 1,895 in 14 hours.",
        ],
    ),
    (
        "one trunk after another",
        |seed| {
            let faults = [fault(840, 846, &[1], REFUSED, 1.0), fault(870, 876, &[3], REFUSED, 1.0)];
            Made::new(seed).calls(0, 24, 80.0, &faults)
        },
        &[
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on sbc4.contoso.com: 30 of 44 calls on 2026-11-20 from 14:30 to 14:40 UTC; before that 9 of 2,039 in 15 hours.",
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on sbc2.contoso.com: all 27 calls on 2026-11-20 from 14:00 to 14:05 UTC; before that 12 of 1,892 in 14 hours.",
        ],
    ),
    (
        "one trunk soon after another, of a cause that is nowhere else",
        |seed| {
            let faults = [fault(840, 846, &[1], CERTIFICATE, 1.0), fault(870, 876, &[3], CERTIFICATE, 1.0)];
            Made::new(seed).calls(0, 24, 60.0, &faults)
        },
        &[
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc2.contoso.com: 22 of 35 calls on 2026-11-20 from 14:00 to 14:10 UTC; before that none of 1,429 in 14 hours.",
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc4.contoso.com: 18 of 27 calls on 2026-11-20 from 14:30 to 14:40 UTC; before that none of 1,527 in 15 hours.",
        ],
    ),
    (
        "twice on one trunk",
        |seed| {
            let faults = [fault(600, 620, &[1], MEDIA, 0.9), fault(960, 975, &[1], MEDIA, 0.9)];
            Made::new(seed).calls(0, 24, 60.0, &faults)
        },
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 64 of 67 calls on 2026-11-20 from 10:00 to 10:20 UTC; before that 4 of 663 in 10 hours.",
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 39 of 43 calls on 2026-11-20 from 16:00 to 16:15 UTC; before that 5 of 1,129 in 6 hours.",
        ],
    ),
    (
        "a fault that ends slowly",
        |seed| {
            let shares = [(600, 660, 1.0), (660, 720, 0.4), (720, 840, 0.1)];
            let faults = shares.map(|(from, to, share)| fault(from, to, &[0], CERTIFICATE, share));
            Made::new(seed).calls(0, 24, 60.0, &faults)
        },
        &[
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc1.contoso.com: 298 of 732 calls on 2026-11-20 from 10:00 to 14:00 UTC; before that none of 675 in 10 hours.",
        ],
    ),
    (
        "over in the morning",
        |seed| Made::new(seed).calls(0, 24, 40.0, &[fault(0, 570, &[0], CERTIFICATE, 1.0)]),
        &[
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc1.contoso.com: all 407 calls on 2026-11-20 from 00:05 to 09:30 UTC; after that none of 1,215 in 15 hours.",
        ],
    ),
    (
        "over midnight",
        |seed| Made::new(seed).calls(0, 48, 120.0, &[fault(1430, 1460, &[0], REFUSED, 0.9)]),
        &[
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on sbc1.contoso.com: all 17 calls from 2026-11-20 23:50 to 2026-11-21 00:20 UTC; before that 25 of 4,976 in 24 hours.",
        ],
    ),
    (
        "at night, when few call",
        |seed| Made::new(seed).calls(0, 24, 40.0, &[fault(120, 240, &[0], CERTIFICATE, 1.0)]),
        &[
            "Certificate or TLS (INVITE not delivered: certificate expired 569008/504) on sbc1.contoso.com: all 28 calls on 2026-11-20 from 02:05 to 03:55 UTC; before that none of 39 in 2 hours.",
        ],
    ),
    (
        "two causes on one trunk in the same time",
        |seed| {
            let mut made = Made::new(seed).calls(0, 24, 40.0, &[fault(840, 885, &[1], MEDIA, 0.5)]);
            (840..885)
                .step_by(2)
                .for_each(|minute| made.add(minute, TRUNKS[1], DIRECTIONS[0], Some(REFUSED)));
            made
        },
        &[
            "No media path (IceConnectivityChecksFailed 531004/410) on sbc2.contoso.com: 33 of 92 calls on 2026-11-20 from 14:00 to 14:45 UTC; before that 3 of 995 in 14 hours.",
            "Refused by the SBC (Forbidden; Call rejected 560403/403) on sbc2.contoso.com, inbound: 23 of 53 calls on 2026-11-20 from 14:00 to 14:45 UTC; before that 1 of 499 in 14 hours.",
        ],
    ),
    (
        "out and in every half hour",
        |seed| {
            let flaps: Vec<Fault> =
                (16..36).map(|half| fault(half * 30, half * 30 + 5, &[1], NUMBER, 0.9)).collect();
            Made::new(seed).calls(0, 24, 60.0, &flaps)
        },
        &[
            "Getting user info by number failed 510302/404 on sbc2.contoso.com: 253 of 1,724 calls on 2026-11-20 from 08:00 to 17:35 UTC; before that none of 314 in 8 hours.",
        ],
    ),
    (
        "a number dialled again and again",
        |seed| {
            let mut made = Made::new(seed).calls(0, 24, 40.0, &[]);
            (0..60).for_each(|call| made.add(900 + call / 6, TRUNKS[0], DIRECTIONS[1], Some(NUMBER)));
            made
        },
        &[
            "Getting user info by number failed 510302/404 on sbc1.contoso.com, outbound: 60 of 67 calls on 2026-11-20 from 15:00 to 15:10 UTC; before that none of 534 in 15 hours.",
        ],
    ),
];

#[test]
fn days_are_told_in_sentences() {
    let said: Vec<(&str, Vec<String>)> = DAYS.iter().map(|(name, made, _)| (*name, made(7).says())).collect();
    for ((name, said), (_, _, expected)) in said.iter().zip(DAYS) {
        assert_eq!(said, expected, "{name}; all of them: {said:#?}");
    }
}
