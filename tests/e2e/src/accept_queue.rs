//! Clients that wait in the accept queue of a listener. Owns them and what they asked; refuses to
//! lose one.

use std::net::SocketAddr;

use crate::http::{HttpAnswer, HttpClient};

/// Clients that have connected and asked, and were not answered yet.
#[derive(Debug)]
#[must_use = "they want to be answered"]
pub struct AcceptQueue {
    clients: Vec<HttpClient>,
}

impl AcceptQueue {
    /// Lets so many clients connect and ask.
    pub fn fill(address: SocketAddr, clients: usize) -> Self {
        let client = |_| {
            let mut client = HttpClient::connect(address).unwrap();
            client.send(b"GET / HTTP/1.1\r\nhost: e2e\r\nconnection: close\r\n\r\n").unwrap();
            client
        };
        Self { clients: (0..clients).map(client).collect() }
    }

    /// Waits for all answers.
    ///
    /// # Panics
    ///
    /// If one does not come, or is not right.
    #[must_use]
    pub fn answers(self) -> Vec<HttpAnswer> {
        let answer = |mut client: HttpClient| {
            let answer = client.answer().unwrap();
            client.closed().unwrap();
            answer
        };
        self.clients.into_iter().map(answer).collect()
    }
}
