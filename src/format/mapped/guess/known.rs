//! Names under which devices and reports write our fields, and words that they write there. Without case, blanks and signs.

use crate::format::mapped::Field;

/// The names of each field, the surer ones first.
pub const NAMES: &[(Field, &[&str])] = &[
    (
        Field::Id,
        &[
            "sessionid",
            "globalsessionid",
            "recordid",
            "calluuid",
            "uuid",
            "uniqueid",
            "acctsessionid",
            "callid",
            "connectionid",
            "conferenceid",
            "correlationid",
            "guid",
            "id",
        ],
    ),
    (
        Field::Trunk,
        &[
            "trunk",
            "trunkname",
            "trunkgroup",
            "sbcfqdn",
            "pstntrunkfqdn",
            "trunkfullyqualifieddomainname",
            "nap",
            "napname",
            "ingresstrunk",
            "ingresstrunkgroup",
            "ipgroup",
            "ipgroupname",
            "gateway",
            "sipgatewayname",
            "ingressrealm",
            "realm",
            "carrier",
            "dialpeer",
            "peer",
        ],
    ),
    (Field::Direction, &["direction", "calldirection", "pstncalltype", "calltype", "dir", "callorigin"]),
    (
        Field::MicrosoftCode,
        &["microsoftcode", "callendsubreason", "pstncallendsubreason", "finalmicrosoftsubcode"],
    ),
    (
        Field::SipCode,
        &[
            "sipcode",
            "finalsipcode",
            "sipstatus",
            "sipstatuscode",
            "sipresponsecode",
            "sipresponse",
            "sipinvitefailurestatus",
            "siptermstatus",
            "siptrmreason",
            "responsecode",
            "statuscode",
            "pstncallendreason",
            "terminationcause",
            "code",
        ],
    ),
    (
        Field::Q850,
        &[
            "q850",
            "q850cause",
            "hangupcauseq850",
            "disconnectcause",
            "h323disconnectcause",
            "releasecause",
            "siptermcause",
            "causecode",
            "cause",
        ],
    ),
    (Field::ReasonHeader, &["reasonheader", "sipreason", "siptermdesc", "siptrmdescr", "reason"]),
    (Field::Phrase, &["finalsipphrase", "finalsipcodephrase", "pstnfinalsipcodephrase", "sipphrase"]),
    (
        Field::Success,
        &["success", "successful", "successfulcall", "issuccess", "disposition", "callstatus", "result"],
    ),
    (
        Field::Started,
        &[
            "started",
            "starttime",
            "startstamp",
            "startepoch",
            "setuptime",
            "h323setuptime",
            "invitetime",
            "invitedatetime",
            "startdatetime",
            "begintime",
            "start",
        ],
    ),
    (
        Field::Answered,
        &[
            "answered",
            "answertime",
            "answerstamp",
            "answerepoch",
            "connecttime",
            "h323connecttime",
            "connectiontime",
            "answer",
        ],
    ),
    (
        Field::Ended,
        &[
            "ended",
            "endtime",
            "endstamp",
            "endepoch",
            "disconnecttime",
            "h323disconnecttime",
            "releasetime",
            "stoptime",
            "hanguptime",
            "enddatetime",
            "end",
            "pstneventinfotime",
            "timestamp",
            "time",
            "date",
        ],
    ),
    (Field::Count, &["count", "callcount", "totalcallcount", "numberofcalls", "calls"]),
    (
        Field::Duration,
        &[
            "duration",
            "durationms",
            "durationmsec",
            "durationsec",
            "durationseconds",
            "callduration",
            "billsec",
            "acctsessiontime",
            "sessiontime",
            "talktime",
        ],
    ),
];

/// Words that say which way a call went, or whether it was answered.
pub const WORDS: &[(Field, &[&str], &str)] = &[
    (
        Field::Direction,
        &["inbound", "in", "incoming", "term", "terminate", "answer", "byotin", "drin"],
        "inbound",
    ),
    (Field::Direction, &["outbound", "out", "outgoing", "orig", "originate", "byotout", "drout"], "outbound"),
    (Field::Success, &["true", "yes", "success", "answered", "ok", "1", "connected", "normal"], "true"),
    (
        Field::Success,
        &[
            "false",
            "no",
            "attempt",
            "failed",
            "fail",
            "failure",
            "ko",
            "0",
            "noanswer",
            "busy",
            "congestion",
            "cancel",
            "cancelled",
            "canceled",
            "rejected",
        ],
        "false",
    ),
];

/// Names of the place that says of which kind a record is.
pub const KINDS: [&str; 8] =
    ["recordtype", "cdrtype", "eventtype", "recordkind", "kind", "acctstatustype", "event", "type"];

/// Kinds of records that stand at the end of a call.
pub const ENDS: [&str; 6] = ["stop", "end", "callend", "s", "2", "final"];
