//! Records of devices, and of others by a mapping: usual ones, each a call of its own, seven of ten of them answered.

use std::path::Path;

/// The inputs, each a source of [`config`].
pub const INPUTS: [&str; 7] =
    ["ribbon", "asterisk", "kamailio", "audiocodes", "mapped_csv", "mapped_json", "mapped_regex"];

/// The config in which each input is a source.
pub fn config(folder: &Path) -> String {
    let fields = "fields: {id: id, trunk: trunk, sip_code: code, ended: end, duration: lasted}";
    let sources = [
        "ribbon\n    format: ribbon\n    teams_side: [TG_TEAMS]",
        "asterisk\n    format: asterisk\n    teams_side: [teams*]",
        "kamailio\n    format: kamailio",
        "audiocodes\n    format: audiocodes\n    teams_side: [Teams]",
        &format!("mapped_csv\n    format: csv\n    where: {{field: kind, is: STOP}}\n    {fields}"),
        &format!("mapped_json\n    format: json\n    where: {{field: /kind, is: STOP}}\n    {fields}"),
        "mapped_regex\n    format: regex\n    patterns: [\"END,Id='(?<id>[^']+)'.*Code='(?<code>[0-9]{3})'.*NAP='(?<trunk>[^']+)'\"]\n    \
            fields: {id: id, trunk: trunk, sip_code: code}",
    ];
    let paths = format!("\n    paths: [\"{}/*\"]\n", folder.display());
    let source = |source: &str| format!("  - name: {source}{paths}");
    format!("sources:\n{}", sources.map(source).concat())
}

/// What stands above the records.
pub fn head(input: &str) -> &'static str {
    match input {
        "ribbon" => {
            "Sonus Networks, Inc.00000000FF6000005D0000000000000128V12.01.00R000 ACT2024110509000000000000\r"
        }
        "mapped_csv" => {
            "kind,id,trunk,way,code,q850,start,end,lasted,calling,called,name,codec,address,port,mos,egress\n"
        }
        _ => "",
    }
}

/// The record of a call, with the lines that a device writes beside it.
pub fn record(input: &str, number: i64) -> String {
    let (hour, minute, second) = (number / 3600 % 24, number / 60 % 60, number % 60);
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    let code = [200, 200, 200, 200, 200, 200, 200, 486, 503, 480][usize::try_from(number % 10).unwrap()];
    match input {
        "ribbon" => ribbon(number, &time, code),
        "asterisk" => asterisk(number, &time, code),
        "kamailio" => kamailio(number, code),
        "audiocodes" => audiocodes(number, &time, code),
        "mapped_csv" => format!(
            "STOP,{number:012},ms-teams,outbound,{code},16,2024-11-05T{time}Z,2024-11-05T{time}Z,120,+14255550100,+14255550199,\
             \"User, One\",PCMA,192.0.2.1,5061,4.3,carrier-1\n"
        ),
        "mapped_json" => format!(
            "{{\"kind\":\"STOP\",\"id\":\"s{number:012}\",\"trunk\":\"ms-teams\",\"code\":{code},\"end\":\"2024-11-05T{time}Z\",\"lasted\":120,\
             \"calling\":\"+14255550100\",\"remote\":{{\"ip\":\"192.0.2.1\",\"port\":5061}},\"quality\":{{\"mos\":4.3,\"lost\":0}}}}\n"
        ),
        _ => format!(
            "Nov  5 {time} gw1 prosbc[41]: 2024-11-05T{time}Z,END,Id='{number:012}',Calling='+14255550100',Code='{code}',\
             Codec='PCMA',NAP='ms-teams'\n"
        ),
    }
}

fn ribbon(number: i64, time: &str, code: u16) -> String {
    let is_stop = code == 200;
    let released = if is_stop { "BYE".to_owned() } else { code.to_string() };
    let variant = format!("\"SIP,a{number}@192.0.2.1{}{released}{}\"", ",".repeat(17), ",".repeat(30));
    let accounting = format!("0x{number:08X}");
    let common = [(1, "SBC1"), (2, &*accounting), (5, "11/05/2024"), (6, time)];
    let stop = [
        (10, "11/05/2024"),
        (11, time),
        (13, "1250"),
        (14, "16"),
        (33, "TG_PSTN"),
        (51, &variant),
        (67, "TG_TEAMS"),
        (68, &variant),
    ];
    let attempt = [
        (9, time),
        (11, "21"),
        (30, "TG_TEAMS"),
        (44, &*variant),
        (57, "TG_PSTN"),
        (58, &variant),
        (104, "11/05/2024"),
        (145, "1"),
    ];
    let mut fields = vec!["0"; if is_stop { 301 } else { 217 }];
    fields[0] = if is_stop { "STOP" } else { "ATTEMPT" };
    common
        .iter()
        .chain(if is_stop { &stop } else { &attempt })
        .for_each(|(place, field)| fields[*place] = field);
    fields.join(",") + "\n"
}

fn asterisk(number: i64, time: &str, code: u16) -> String {
    let (disposition, answered) = match code {
        200 => ("ANSWERED", format!("\"2024-11-05 {time}\"")),
        486 => ("BUSY", String::new()),
        _ => ("NO ANSWER", String::new()),
    };
    format!(
        "\"\",\"+14255550100\",\"+14255550199\",\"from-teams\",\"\"\"User One\"\" <+14255550100>\",\"PJSIP/teams-{number:08x}\",\
         \"PJSIP/carrier-1-{number:08x}\",\"Dial\",\"PJSIP/x\",\"2024-11-05 {time}\",{answered},\"2024-11-05 {time}\",20,15,\
         \"{disposition}\",\"DOCUMENTATION\",\"{number}.1\",\"\",\"\",\"{number}.0\",{number}\n"
    )
}

fn kamailio(number: i64, code: u16) -> String {
    let line = |method| {
        format!(
            "Nov  5 09:01:00 proxy kamailio[812]: NOTICE: acc [acc.c:279]: acc_log_request(): ACC: transaction answered: \
             timestamp={};method={method};from_tag=a;to_tag=b;call_id=c{number}@192.0.2.1;code={code};reason=OK;\
             src_domain=carrier.example.com;dst_domain=sip.pstnhub.microsoft.com;trunk=teams-1\n",
            1_730_797_260 + number
        )
    };
    if code == 200 { line("INVITE") + &line("BYE") } else { line("INVITE") }
}

fn audiocodes(number: i64, time: &str, code: u16) -> String {
    let (reason, connected) = match code {
        200 => ("BYE".to_owned(), format!("{time}.000  UTC Tue Nov 05 2024")),
        code => (code.to_string(), String::new()),
    };
    let leg = |origin: &str, group: &str| {
        format!(
            "{time}.053  192.0.2.11  local1.info    [S={number}] |CALL_END |SBC |{number}@192.0.2.11|c62532:22:{number}  |{origin}     \
             |192.0.2.9 |5061 |192.0.2.12 |5061 |TLS |+14255550100@carrier.example.com|+14255550100@carrier.example.com\
             |+14255550199@contoso.com|+14255550199@contoso.com|30      |RMT |GWAPP_NORMAL_CALL_CLEAR |NORMAL_CALL_CLEAR\
             |{time}.000  UTC Tue Nov 05 2024|{connected}|{time}.900  UTC Tue Nov 05 2024|-1 | | |40 |{group} |0 (DefaultSRD)\
             |1 (Interface)|1 (Proxies)|0 () |0 () |no |{reason} |  |+14255550100|+14255550199|Normal |2 \r\n"
        )
    };
    leg("RMT", "1 (Carrier)") + &leg("LCL", "2 (Teams)")
}
