//! What was found, as CSV for spreadsheets: a line for each group.

use super::group::{By, Line};
use super::view::View;
use crate::findings::time;

/// A line for each of what was asked for; by cause and trunk if nothing was.
///
/// # Errors
/// As writing to memory: none.
pub fn text(view: &View, by: &[By], lines: &[Line]) -> Result<String, csv::Error> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let numbers = ["calls", "attempts", "failed", "share_of_attempts", "first_failed", "last_failed"];
    let of_cause = ["microsoft_code", "sip_code", "side", "remedy"];
    let has_cause = by.contains(&By::Cause);
    let mut header: Vec<&str> = by.iter().map(|by| by.label()).collect();
    header.extend(numbers);
    header.extend(of_cause.iter().filter(|_| has_cause));
    writer.write_record(&header)?;
    for line in lines.iter().take(view.top) {
        let (cause, codes) = line.cause.clone().unwrap_or_default();
        let mut cells: Vec<String> = by
            .iter()
            .zip(&line.keys)
            .map(|(by, key)| if *by == By::Cause { cause.to_string() } else { key.clone() })
            .collect();
        let minute = |minute: Option<i64>| minute.map(time::rfc3339).unwrap_or_default();
        cells.extend([line.calls, line.attempts, line.failed].map(|number| number.to_string()));
        cells.push(format!("{:.6}", line.share()));
        cells.extend([minute(line.seen.map(|it| it.0)), minute(line.seen.map(|it| it.1))]);
        if has_cause {
            let about = view.snapshot.catalogue.about(&cause, codes);
            cells.push(codes.microsoft_label());
            cells.push(codes.sip.map(|code| code.to_string()).unwrap_or_default());
            cells.push(about.side().map_or("", |side| side.label()).to_owned());
            cells.push(about.remedy().to_owned());
        }
        writer.write_record(&cells)?;
    }
    let bytes = writer.into_inner().map_err(csv::IntoInnerError::into_error).unwrap_or_default();
    Ok(String::from_utf8(bytes).unwrap_or_default())
}
