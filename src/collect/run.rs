//! The collectors of the daemon: a thread each, begun, told of other options and ended as the config says.

use std::collections::{BTreeMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::Instant;

use tracing::info;

use super::collector::Collector;
use super::graph::Stopped;
use super::inbox::{Inbox, Order, inbox};
use super::options::Options;
use super::standing::{Reached, Standing};
use crate::telemetry::{Collection, OfSource};

/// Names the files that are read to their end, or says that it cannot.
pub type FilesRead = dyn Fn() -> Option<HashSet<PathBuf>> + Send + Sync;

/// Every collector that was begun. Dropped, it ends them; one that is in the middle of something may be killed there.
pub struct Collectors {
    /// What each does, if it does not rest. A thread stays: only it knows when it has let go of its folder.
    begun: BTreeMap<String, (Option<Options>, Sender<Order>)>,
    metrics: Collection,
    read: Arc<FilesRead>,
}

impl Collectors {
    /// None yet.
    pub fn new(metrics: Collection, read: Arc<FilesRead>) -> Self {
        Self { begun: BTreeMap::new(), metrics, read }
    }

    /// Begins, changes and rests collectors until there are these.
    ///
    /// # Errors
    /// When the system has no thread.
    pub fn apply(&mut self, wanted: Vec<Options>) -> io::Result<()> {
        for (name, (current, orders)) in &mut self.begun {
            if current.is_some() && !wanted.iter().any(|options| options.source == *name) {
                *current = None;
                let _ = orders.send(Order::Rest);
            }
        }
        for options in wanted {
            let name = options.source.clone();
            match self.begun.get_mut(&name) {
                Some((Some(current), _)) if *current == options => {}
                Some((current, orders)) => {
                    *current = Some(options.clone());
                    let _ = orders.send(Order::Go(Box::new(options)));
                }
                None => {
                    let orders = self.begin(options.clone())?;
                    self.begun.insert(name, (Some(options), orders));
                }
            }
        }
        Ok(())
    }

    fn begin(&self, options: Options) -> io::Result<Sender<Order>> {
        let (orders, inbox) = inbox();
        let mut collecting = Collecting {
            metrics: self.metrics.of(&options.source),
            standing: Standing::new(&options.source, self.metrics.of(&options.source)),
            options,
            collector: None,
            read: Arc::clone(&self.read),
        };
        thread::Builder::new().name("collect".to_owned()).spawn(move || collecting.run(inbox))?;
        Ok(orders)
    }
}

/// What one thread does.
struct Collecting {
    options: Options,
    metrics: OfSource,
    /// Made when it is needed, so that a disk or a file that is mended later is found.
    collector: Option<Collector>,
    read: Arc<FilesRead>,
    standing: Standing,
}

impl Collecting {
    fn run(&mut self, mut inbox: Inbox) {
        let (source, tenant) = (&self.options.source, &self.options.tenant);
        info!(%source, %tenant, every = ?self.options.times.every, "collecting from Microsoft Graph");
        loop {
            let due = Instant::now() + self.options.times.every;
            match self.pass(due, &mut inbox) {
                Ok(()) => self.standing.reached(Reached::All),
                Err(Stopped::Fault(fault)) => self.standing.fault(&fault),
                Err(Stopped::Interrupted) => {}
            }
            // An order that has come ends this at once.
            let _ = inbox.pause(due.saturating_duration_since(Instant::now()));
            if let Some(order) = inbox.take()
                && self.obey(order, &mut inbox) == Next::End
            {
                return;
            }
        }
    }

    fn obey(&mut self, order: Order, inbox: &mut Inbox) -> Next {
        match order {
            Order::Stop => Next::End,
            Order::Go(options) => {
                info!(source = %options.source, "collecting with other options");
                // What is known of another tenant or secret is known no more.
                self.metrics.hide();
                self.metrics.show();
                (self.options, self.collector) = (*options, None);
                Next::Pass
            }
            Order::Rest => {
                info!(source = %self.options.source, "collecting no more");
                self.collector = None;
                self.standing.forget();
                self.metrics.hide();
                let order = inbox.wait();
                self.obey(order, inbox)
            }
        }
    }

    /// The live days, then older ones until the live ones are due again; at least one, so that all come in the end.
    fn pass(&mut self, due: Instant, inbox: &mut Inbox) -> Result<(), Stopped> {
        self.standing.begin();
        let collector = match &mut self.collector {
            Some(collector) => collector,
            none => none.insert(Collector::open(&self.options, self.metrics.clone())?),
        };
        let fault = collector.live(inbox, &*self.read, || self.standing.reached(Reached::Day))?;
        match &fault {
            Some(fault) => self.standing.fault(fault),
            None => self.standing.reached(Reached::Live),
        }
        while collector.history(inbox)? && Instant::now() < due {}
        fault.map_or(Ok(()), |fault| Err(fault.into()))
    }
}

/// What comes after an order.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Pass,
    End,
}
