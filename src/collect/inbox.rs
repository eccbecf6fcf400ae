//! What wakes a collector: an order to stop or to go on with other options, or the time.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use super::Options;

/// What a collector is told.
#[derive(Debug)]
pub enum Order {
    /// End.
    Stop,
    /// Collect nothing until told otherwise.
    Rest,
    /// Go on with these options.
    Go(Box<Options>),
}

/// An order came: leave what you are at, and look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interrupted;

/// Orders as they come. Whoever waits waits here, so that an order ends the wait.
#[derive(Debug)]
pub struct Inbox {
    orders: Receiver<Order>,
    first: Option<Order>,
}

/// An inbox and the way to it. A sender that is dropped is an order to stop.
pub fn inbox() -> (Sender<Order>, Inbox) {
    let (sender, orders) = channel();
    (sender, Inbox { orders, first: None })
}

impl Inbox {
    /// Waits for so long, or until an order comes.
    ///
    /// # Errors
    /// When an order waits to be taken.
    pub fn pause(&mut self, time: Duration) -> Result<(), Interrupted> {
        if self.first.is_some() {
            return Err(Interrupted);
        }
        self.first = match self.orders.recv_timeout(time) {
            Ok(order) => Some(order),
            Err(RecvTimeoutError::Timeout) => return Ok(()),
            Err(RecvTimeoutError::Disconnected) => Some(Order::Stop),
        };
        Err(Interrupted)
    }

    /// The next order, however long that takes.
    pub fn wait(&mut self) -> Order {
        self.first.take().or_else(|| self.orders.recv().ok()).unwrap_or(Order::Stop)
    }

    /// The order that waits, if one does.
    pub fn take(&mut self) -> Option<Order> {
        self.first.take()
    }
}
