//! A client on one kept connection that sends its requests in small pieces, one request sometimes
//! begun before the last one is answered. Owns the pieces; refuses to send anything twice.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::http::{HttpAnswer, HttpClient};

/// The longest pause between two pieces, in microseconds.
const PAUSE_LIMIT_US: u64 = 3_000;

/// The longest piece.
const PIECE_LIMIT_BYTES: usize = 40;

/// The client.
#[derive(Debug)]
pub struct Dripper {
    client: HttpClient,
    name: usize,
    random: fastrand::Rng,
    /// What is sent of the next request already.
    sent_bytes: usize,
}

impl Dripper {
    /// Connects. `name` is this client's alone, and decides how it cuts its requests.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub fn connect(address: SocketAddr, name: usize) -> io::Result<Self> {
        let random = fastrand::Rng::with_seed(name as u64);
        Ok(Self { client: HttpClient::connect(address)?, name, random, sent_bytes: 0 })
    }

    /// Sends the rest of the request of this number and perhaps a part of the one after it, waits
    /// for the answer, and returns the generation that gave it.
    ///
    /// # Errors
    ///
    /// As [`HttpClient::answer`]; `InvalidData` if the answer is to another request, or says that
    /// the connection is closed.
    pub fn ask(&mut self, number: u64) -> io::Result<u64> {
        let (request, body) = self.request(number);
        self.drip(&request[self.sent_bytes..])?;
        self.sent_bytes = 0;
        if self.random.bool() {
            let (next, _) = self.request(number + 1);
            let part_bytes = self.random.usize(1..next.len());
            self.drip(&next[..part_bytes])?;
            self.sent_bytes = part_bytes;
        }
        let answer = self.client.answer()?;
        match answer {
            HttpAnswer { closes: false, generation, body: echo, .. } if echo == body => {
                Ok(generation)
            }
            other => {
                let text = format!("to {number} of client {}: {other:?}", self.name);
                Err(io::Error::new(io::ErrorKind::InvalidData, text))
            }
        }
    }

    /// The request of this number, and its body.
    fn request(&self, number: u64) -> (Vec<u8>, Vec<u8>) {
        let body = format!("request {number} of client {}", self.name).into_bytes();
        let length = body.len();
        let head = format!("POST /echo HTTP/1.1\r\nhost: e2e\r\ncontent-length: {length}\r\n\r\n");
        ([head.as_bytes(), &body].concat(), body)
    }

    fn drip(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            let length_bytes = self.random.usize(1..=PIECE_LIMIT_BYTES).min(bytes.len());
            let (piece, rest) = bytes.split_at(length_bytes);
            self.client.send(piece)?;
            // It is what the client is for: between two pieces is where an upgrade hits it.
            thread::sleep(Duration::from_micros(self.random.u64(..PAUSE_LIMIT_US)));
            bytes = rest;
        }
        Ok(())
    }
}
