//! What this process answers. Owns the words; refuses to send them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rekindle::Generation;

use crate::exchange::{Asks, Request};

/// The site of one generation.
#[derive(Debug)]
pub(crate) struct Site {
    pid: u32,
    generation: Generation,
    /// Whether kept connections are told goodbye.
    goodbye: AtomicBool,
}

/// An answer to be sent.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) bytes: Vec<u8>,
    /// Whether the connection is closed after it.
    pub(crate) closes: bool,
}

impl Site {
    pub(crate) fn new(generation: Generation) -> Self {
        Self { pid: std::process::id(), generation, goodbye: AtomicBool::new(false) }
    }

    /// From here on, answers on kept connections say goodbye, or do not any more.
    pub(crate) fn say_goodbye(&self, goodbye: bool) {
        self.goodbye.store(goodbye, Ordering::SeqCst);
    }

    /// How long the answer takes to be made. Whether it says goodbye is decided after that.
    pub(crate) fn delay(request: &Request) -> Duration {
        match &request.asks {
            Asks::Who { delay } => *delay,
            Asks::Echo(_) => Duration::ZERO,
        }
    }

    /// The answer.
    pub(crate) fn answer(&self, request: Request) -> Answer {
        let closes = request.closes || self.goodbye.load(Ordering::SeqCst);
        let body = match request.asks {
            Asks::Who { .. } => format!("{}\n", self.name()).into_bytes(),
            Asks::Echo(body) => body,
        };
        let connection = if closes { "connection: close\r\n" } else { "" };
        let head = format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nx-pid: {}\r\nx-generation: {}\r\n\
             {connection}\r\n",
            body.len(),
            self.pid,
            self.generation,
        );
        Answer { bytes: [head.into_bytes(), body].concat(), closes }
    }

    /// The answer to a message.
    pub(crate) fn reply(&self, message: &[u8]) -> Vec<u8> {
        [self.name().as_bytes(), b": ", message].concat()
    }

    /// The values of the fields `x-pid` and `x-generation` of an answer.
    pub(crate) fn fields(&self) -> [String; 2] {
        [self.pid.to_string(), self.generation.to_string()]
    }

    /// Who answers.
    pub(crate) fn name(&self) -> String {
        format!("pid {} generation {}", self.pid, self.generation)
    }
}
