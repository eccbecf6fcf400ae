//! The SIP response codes and their reason phrases: RFC 3261, and the IANA registry of SIP response codes for
//! those that later RFCs added.

/// The reason phrase of a SIP response code, if it is registered.
pub fn reason(code: u16) -> Option<&'static str> {
    let place = REASONS.binary_search_by_key(&code, |(code, _)| *code).ok()?;
    Some(REASONS[place].1)
}

/// What the first digit of a SIP response code says (RFC 3261, section 7.2).
pub fn class(code: u16) -> &'static str {
    match code / 100 {
        1 => "the request goes on",
        2 => "success",
        3 => "the call should go to another address",
        4 => "the request was refused as it stands",
        5 => "a server failed on the request",
        6 => "refused, wherever the call might go",
        _ => "no SIP error: a normal end, or an end before any final response",
    }
}

// 555 is registered as "Push Notification Service Not Supported", too long for a label of 48 characters.
const REASONS: [(u16, &str); 75] = [
    (100, "Trying"),
    (180, "Ringing"),
    (181, "Call Is Being Forwarded"),
    (182, "Queued"),
    (183, "Session Progress"),
    (199, "Early Dialog Terminated"),
    (200, "OK"),
    (202, "Accepted"),
    (204, "No Notification"),
    (300, "Multiple Choices"),
    (301, "Moved Permanently"),
    (302, "Moved Temporarily"),
    (305, "Use Proxy"),
    (380, "Alternative Service"),
    (400, "Bad Request"),
    (401, "Unauthorized"),
    (402, "Payment Required"),
    (403, "Forbidden"),
    (404, "Not Found"),
    (405, "Method Not Allowed"),
    (406, "Not Acceptable"),
    (407, "Proxy Authentication Required"),
    (408, "Request Timeout"),
    (410, "Gone"),
    (412, "Conditional Request Failed"),
    (413, "Request Entity Too Large"),
    (414, "Request-URI Too Long"),
    (415, "Unsupported Media Type"),
    (416, "Unsupported URI Scheme"),
    (417, "Unknown Resource-Priority"),
    (420, "Bad Extension"),
    (421, "Extension Required"),
    (422, "Session Interval Too Small"),
    (423, "Interval Too Brief"),
    (424, "Bad Location Information"),
    (425, "Bad Alert Message"),
    (428, "Use Identity Header"),
    (429, "Provide Referrer Identity"),
    (430, "Flow Failed"),
    (433, "Anonymity Disallowed"),
    (436, "Bad Identity Info"),
    (437, "Unsupported Credential"),
    (438, "Invalid Identity Header"),
    (439, "First Hop Lacks Outbound Support"),
    (440, "Max-Breadth Exceeded"),
    (469, "Bad Info Package"),
    (470, "Consent Needed"),
    (480, "Temporarily Unavailable"),
    (481, "Call/Transaction Does Not Exist"),
    (482, "Loop Detected"),
    (483, "Too Many Hops"),
    (484, "Address Incomplete"),
    (485, "Ambiguous"),
    (486, "Busy Here"),
    (487, "Request Terminated"),
    (488, "Not Acceptable Here"),
    (489, "Bad Event"),
    (491, "Request Pending"),
    (493, "Undecipherable"),
    (494, "Security Agreement Required"),
    (500, "Server Internal Error"),
    (501, "Not Implemented"),
    (502, "Bad Gateway"),
    (503, "Service Unavailable"),
    (504, "Server Time-out"),
    (505, "Version Not Supported"),
    (513, "Message Too Large"),
    (555, "Push Notification Not Supported"),
    (580, "Precondition Failure"),
    (600, "Busy Everywhere"),
    (603, "Decline"),
    (604, "Does Not Exist Anywhere"),
    (606, "Not Acceptable"),
    (607, "Unwanted"),
    (608, "Rejected"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order() {
        assert!(REASONS.is_sorted_by(|left, right| left.0 < right.0));
    }

    #[test]
    fn reasons() {
        for (code, expected) in [
            (100, Some("Trying")),
            (486, Some("Busy Here")),
            (504, Some("Server Time-out")),
            (608, Some("Rejected")),
            (409, None),
            (0, None),
            (999, None),
        ] {
            assert_eq!(reason(code), expected, "{code}");
        }
    }
}
