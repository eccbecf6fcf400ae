//! What nobody may see: secrets, tokens, numbers, names. All of it is looked for in all that the daemon leaves behind.

use std::fs;

use super::setup::Setup;
use super::stand_in::entra::make_certificate;
use super::stand_in::{Fault, StandIn, rows};
use crate::tools::wait_until;

#[test]
fn no_secret_number_or_name_is_seen_anywhere() {
    let stand_in = StandIn::start(rows::calls(3, 40));
    make_certificate(stand_in.folder.path());
    let mut random = fastrand::Rng::with_seed(3);
    stand_in.spoil(move |_, _| {
        (random.u8(..3) == 0).then(|| if random.bool() { Fault::Html } else { Fault::Status(403, None) })
    });
    let setup = Setup::with(&stand_in, "every: 200ms\nhistory: 5d");
    let storage = setup.storage();
    let mut command = setup.command(&stand_in);
    command.args(["--log.level", "debug"]);
    let daemon = crate::tools::Daemon::of(&mut command);
    daemon.wait_for_metrics("all calls", |metrics| metrics.sum("cdr_calls_total", &[]) == 120.0);
    wait_until("some refusals", || daemon.log().iter().any(|line| line.contains("HTTP 403")));
    let pages = ["/metrics", "/", "/-/files", "/-/ready"].map(|path| daemon.get(path).text().to_owned());
    let world = stand_in.world();
    let (granted, secret) = (world.granted(), world.entra.secret.clone());
    drop(world);
    let mut seen = vec![("pages", pages.concat()), ("log", daemon.stop().join("\n"))];
    let checked = setup.run(&stand_in, &["check", "--collect"]);
    let collected = setup.collect(&stand_in);
    seen.push(("commands", [checked.stdout, checked.stderr, collected.stdout, collected.stderr].concat()));
    let mut spool = String::new();
    for entry in
        walkdir::WalkDir::new(&storage).into_iter().map(Result::unwrap).filter(|it| it.path().is_file())
    {
        spool += &String::from_utf8_lossy(&fs::read(entry.path()).unwrap());
    }
    assert!(spool.contains("\"callerNumber\":\"+1425\"") && spool.contains("\"calleeNumber\":\"+1206\""));
    seen.push(("store and spool", spool));
    assert!(!granted.is_empty());
    let hidden = granted.iter().map(String::as_str).chain([&*secret]).chain(rows::PERSONAL);
    for needle in hidden {
        for (place, text) in &seen {
            assert!(!text.contains(needle), "`{needle}` is seen in the {place}");
        }
    }
}
