//! Threads that read: each takes a turn of a file, and gives back what came of it.

use std::io;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use super::Event;
use crate::follow::{Done, Task};
use crate::source::memory::Room;

/// A turn, and of which source. A source that goes and comes back is another one.
#[derive(Debug)]
pub struct Job {
    pub source: u64,
    pub task: Task,
    /// For what is read; `None` where a step takes its own.
    pub room: Option<Room>,
}

/// What came of a turn.
#[derive(Debug)]
pub struct Turned {
    pub source: u64,
    pub done: Done,
    /// For what was read, until it is counted.
    pub room: Option<Room>,
}

/// The threads.
pub struct Workers {
    jobs: Sender<Job>,
    count: usize,
    busy: usize,
}

impl Workers {
    /// Starts so many threads, which tell of turns through `events`, and one at the least, for what takes long. They end
    /// with what is returned.
    ///
    /// # Errors
    /// When the system has no more threads.
    pub fn start(count: usize, events: &Sender<Event>) -> io::Result<Self> {
        let (jobs, queue) = mpsc::channel();
        let queue = Arc::new(Mutex::new(queue));
        for number in 1..=count.max(1) {
            let (queue, events) = (Arc::clone(&queue), events.clone());
            thread::Builder::new().name(format!("reading {number}")).spawn(move || work(&queue, &events))?;
        }
        Ok(Self { jobs, count, busy: 0 })
    }

    /// Whether one of them has nothing to do.
    pub fn has_room(&self) -> bool {
        self.busy < self.count
    }

    /// Hands a turn to one of them.
    pub fn give(&mut self, job: Job) {
        self.busy += 1;
        // They live as long as this.
        let _ = self.jobs.send(job);
    }

    /// One has given back its turn.
    pub fn took_back(&mut self) {
        self.busy -= 1;
    }
}

fn work(queue: &Mutex<Receiver<Job>>, events: &Sender<Event>) {
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { source, task, room }) = job else { return };
        let done = task.run();
        if events.send(Event::Turned(Box::new(Turned { source, done, room }))).is_err() {
            return;
        }
    }
}
