//! The categories of causes, in words.

/// What the causes of a category have in common, for who does not know their names. `None` where the names say it.
pub fn in_words(category: &str) -> Option<&'static str> {
    Some(match category {
        "media" => "no media path",
        "codec" => "no common codec",
        "srtp" => "no encrypted media",
        "media_bypass" => "media bypass",
        "sdp" => "unreadable media offer",
        "certificate" => "certificate or TLS",
        "tls_session" => "TLS session",
        "dns" => "SBC's name not found",
        "sbc_unreachable" => "SBC not reached",
        "sbc_rejected" => "refused by the SBC",
        "sbc_error" => "error of the SBC",
        "capacity" => "no room",
        "carrier" => "carrier",
        "timeout" | "no_final_answer" => "no answer in time",
        "number_format" => "number not understood",
        "voice_routing" => "no route",
        "trunk_config" => "trunk not set up",
        "licence" => "licence",
        "calling_policy" | "calling_restriction" => "not allowed by policy",
        "routing_loop" => "loop",
        _ => return None,
    })
}
