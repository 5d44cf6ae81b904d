//! A client that asks again and again, each time with the next number. Owns its thread and its
//! account; refuses to pass over a failure.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

/// A client at work.
#[derive(Debug)]
#[must_use = "what it found is told when it is stopped"]
pub struct Ticker {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Ticked>,
}

/// What a client found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ticked {
    /// How many numbers were answered.
    pub answered: u64,
    /// Which generations answered.
    pub generations: BTreeSet<u64>,
    /// What went wrong, with the number.
    pub failures: Vec<String>,
}

impl Ticker {
    /// Lets `ask` ask with one number after the other; it returns the generation that answered.
    pub fn start(mut ask: impl FnMut(u64) -> io::Result<u64> + Send + 'static) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let mut ticked = Ticked::default();
            let mut number = 0;
            while !stopped.load(Ordering::Relaxed) {
                match ask(number) {
                    Ok(generation) => {
                        ticked.answered += 1;
                        ticked.generations.insert(generation);
                    }
                    Err(error) => ticked.failures.push(format!("{number}: {error:?}")),
                }
                number += 1;
            }
            ticked
        });
        Self { stop, thread }
    }

    /// Lets the last question be answered, and tells what was found.
    #[must_use]
    pub fn stop(self) -> Ticked {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
