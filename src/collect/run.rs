//! The collectors of the daemon: a thread each, begun, told of other options and ended as the config says.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;

use tracing::{error, info};

use super::collector::Collector;
use super::fault::Fault;
use super::graph::Stopped;
use super::inbox::{Inbox, Order, inbox};
use super::options::Options;
use crate::telemetry::{Collection, OfSource};

/// Names the files that are read to their end, or says that it cannot.
pub type FilesRead = dyn Fn() -> Option<HashSet<PathBuf>> + Send + Sync;

/// Every collector that runs. Dropped, it ends them; one that is in the middle of something may be killed there.
pub struct Collectors {
    running: BTreeMap<String, (Options, Sender<Order>)>,
    metrics: Collection,
    read: Arc<FilesRead>,
}

impl Collectors {
    /// None yet.
    pub fn new(metrics: Collection, read: Arc<FilesRead>) -> Self {
        Self { running: BTreeMap::new(), metrics, read }
    }

    /// Begins, changes and ends collectors until there are these.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn apply(&mut self, wanted: Vec<Options>) -> io::Result<()> {
        let names: HashSet<String> = wanted.iter().map(|options| options.source.clone()).collect();
        self.running.retain(|name, _| names.contains(name) || self.metrics.forget(name));
        for options in wanted {
            let name = options.source.clone();
            match self.running.get_mut(&name) {
                Some((current, _)) if *current == options => {}
                Some((current, orders)) => {
                    *current = options.clone();
                    let _ = orders.send(Order::Reload(Box::new(options)));
                }
                None => {
                    let orders = self.begin(options.clone())?;
                    self.running.insert(name, (options, orders));
                }
            }
        }
        Ok(())
    }

    fn begin(&self, options: Options) -> io::Result<Sender<Order>> {
        let (orders, inbox) = inbox();
        let mut thread_of_source = Thread {
            metrics: self.metrics.of(&options.source),
            options,
            collector: None,
            read: Arc::clone(&self.read),
            said: None,
        };
        thread::Builder::new().name("collect".to_owned()).spawn(move || thread_of_source.run(inbox))?;
        Ok(orders)
    }
}

struct Thread {
    options: Options,
    metrics: OfSource,
    /// Made when it is needed, so that a disk or a file that is mended later is found.
    collector: Option<Collector>,
    read: Arc<FilesRead>,
    /// The fault that was said last and has not passed.
    said: Option<String>,
}

impl Thread {
    fn run(&mut self, mut inbox: Inbox) {
        let (source, tenant) = (&self.options.source, &self.options.tenant);
        info!(%source, %tenant, every = ?self.options.times.every, "collecting from Microsoft Graph");
        loop {
            let due = Instant::now() + self.options.times.every;
            match self.pass(due, &mut inbox) {
                Ok(()) => self.well(),
                Err(Stopped::Fault(fault)) => self.say(&fault),
                Err(Stopped::Interrupted) => {}
            }
            // An order that has come ends this at once.
            let _ = inbox.pause(due.saturating_duration_since(Instant::now()));
            match inbox.take() {
                None => {}
                Some(Order::Stop) => return,
                Some(Order::Reload(options)) => {
                    info!(source = %options.source, "collecting with other options");
                    (self.options, self.collector) = (*options, None);
                }
            }
        }
    }

    /// The live days, then older ones until the live ones are due again; at least one, so that all come in the end.
    fn pass(&mut self, due: Instant, inbox: &mut Inbox) -> Result<(), Stopped> {
        let collector = match &mut self.collector {
            Some(collector) => collector,
            none => none.insert(Collector::open(&self.options, self.metrics.clone())?),
        };
        collector.live(inbox, &*self.read)?;
        self.metrics.failing(None);
        while collector.history(inbox)? && Instant::now() < due {}
        Ok(())
    }

    fn well(&mut self) {
        self.metrics.failing(None);
        if self.said.take().is_some() {
            info!(source = %self.options.source, "collecting again");
        }
    }

    /// Says a fault once, not each time that it comes again; what differs each time is the number of the trace.
    fn say(&mut self, fault: &Fault) {
        self.metrics.failing(Some(fault.reason.label()));
        let key = fault.message.split("Trace ID").next().unwrap_or_default().to_owned();
        if self.said.as_ref() != Some(&key) {
            error!(source = %self.options.source, reason = fault.reason.label(), "cannot collect: {fault}");
            self.said = Some(key);
        }
    }
}
