//! What a source says of its device: the names of its sides, whose trunk counts, its time zone, and where fields stand.

use std::io;
use std::path::Path;

use jiff::tz::TimeZone;
use serde_saphyr::Spanned;

use super::errors::{Checked, ConfigError, at, unknown};
use super::file;
use crate::format::device::{Beside, Device, Keys, TrunkFrom};
use crate::format::{ALL, Format, mapped};
use crate::source::open;
use crate::{shown, small_file};

/// The names of those formats of devices that take a key.
fn names_of_devices(take: impl Fn(&Keys) -> bool) -> Vec<&'static str> {
    let takes = |format: &&Format| format.device.as_ref().is_some_and(&take);
    ALL.into_iter().filter(takes).flat_map(|format| [&[format.name], format.aliases].concat()).collect()
}

/// Whether records name the trunk of the carrier's side, and something says which side that is.
pub fn check_trunk_from(
    written: &file::Source,
    key: &Spanned<String>,
    format: &'static Format,
) -> Checked<()> {
    let Some(check) = format.device.and_then(|keys| keys.carrier_trunk) else {
        let known = names_of_devices(|keys| keys.carrier_trunk.is_some()).join(", ");
        let message = format!("records of `{}` name one trunk: `trunk_from` goes with {known}", format.name);
        return Err(at(key, message));
    };
    if key.value != "carrier" {
        return Ok(());
    }
    let layout = layout(written)?.unwrap_or_default();
    check(&Beside { layout: &layout, names_trunks: written.trunks.only.is_some() })
        .map_err(|message| at(key, message))?;
    match written.teams_side.as_ref().is_none_or(Vec::is_empty) {
        true => Err(at(
            key,
            "`trunk_from` needs `teams_side`: without it nothing says which side is the carrier's",
        )),
        false => Ok(()),
    }
}

/// That the first of the keys goes with other formats than the one of the source.
pub fn of_no_device(written: &file::Source, key: &Spanned<String>) -> ConfigError {
    let (name, known) = match () {
        () if written.teams_side.iter().flatten().next().is_some() => {
            ("teams_side", names_of_devices(|keys| keys.teams_side))
        }
        () if written.trunk_from.is_some() => {
            ("trunk_from", names_of_devices(|keys| keys.carrier_trunk.is_some()))
        }
        () => ("timezone", [names_of_devices(|_| true), mapped::NAMES.to_vec()].concat()),
    };
    at(key, format!("`{name}` goes with one of the formats {}", known.join(", ")))
}

/// The first key that says something of the device.
pub fn device_key(written: &file::Source) -> Option<&Spanned<String>> {
    let names = || written.teams_side.iter().flatten();
    names().next().or(written.trunk_from.as_ref()).or(written.timezone.as_ref()).or(written.layout.as_ref())
}

/// What the operator says of where fields stand: a text, or the path of a file that holds it, from the root on.
fn layout(written: &file::Source) -> Checked<Option<String>> {
    let read = |layout: &Spanned<String>| match layout.value.starts_with('/') {
        false => Ok(layout.value.clone()),
        true => layout_file(&layout.value).map_err(|error| {
            at(layout, format!("{}: {}", shown::text(&layout.value), small_file::unreadable(&error)))
        }),
    };
    written.layout.as_ref().map(read).transpose()
}

/// A regular file, and a short one: nothing else is waited for.
fn layout_file(path: &str) -> io::Result<String> {
    let content = small_file::all_of(open::open(Path::new(path))?)?;
    io::read_to_string(content.as_slice())
}

pub fn check_layout(
    written: &file::Source,
    key: &Spanned<String>,
    format: Option<&'static Format>,
) -> Checked<()> {
    let Some(check) = format.and_then(|format| format.device?.layout) else {
        let known = names_of_devices(|keys| keys.layout.is_some()).join(", ");
        return Err(at(key, format!("`layout` goes with one of the formats {known}")));
    };
    let text = layout(written)?.unwrap_or_default();
    let is_word = |text: &str| !text.starts_with('/') && !text.contains([',', ';', '|', '\n', ' ', '$']);
    let hint =
        if is_word(&key.value) { "; if it is the name of a file, write its path from / on" } else { "" };
    check(&text).map_err(|message| at(key, format!("the layout: {message}{hint}")))
}

/// What the operator says of the device.
pub fn device(written: &file::Source) -> Checked<Device> {
    let trunk_from = match &written.trunk_from {
        None => TrunkFrom::Teams,
        Some(side) => match side.value.as_str() {
            "teams" => TrunkFrom::Teams,
            "carrier" => TrunkFrom::Carrier,
            other => return Err(at(side, unknown("side", other, &["teams", "carrier"]))),
        },
    };
    let timezone = |written: &Spanned<String>| {
        let name = &written.value;
        let message = || format!("`{name}` is no time zone such as Europe/Berlin or UTC");
        TimeZone::get(name).map_err(|_| at(written, message()))
    };
    let timezone = written.timezone.as_ref().map_or(Ok(TimeZone::UTC), timezone)?;
    let names: Vec<&str> = written.teams_side.iter().flatten().map(|name| name.value.as_str()).collect();
    let key = device_key(written).unwrap_or(&written.name);
    let device = Device::parse(&names, trunk_from, timezone).map_err(|error| at(key, error.to_string()))?;
    Ok(device.with_layout(layout(written)?))
}
