//! One connection to the fault server. Owns the harm that is done to it, and the knowing of what
//! its client saw: whoever closes listens on, to learn whether a request was on its way.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::ledger::{Deed, Harm};
use super::request::{Parsed, Request};
use super::shared::Shared;
use crate::fault::Twist;

/// What a restart does to the connections that there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    CloseIdle,
    TalkToIdle,
    CutInFlight,
    EndInFlight,
}

/// A command to one connection.
#[derive(Debug)]
pub(super) struct Order {
    pub(super) command: Command,
    /// Dropped when it is carried out, or does not concern the connection.
    pub(super) _done: mpsc::Sender<()>,
}

/// Said to those who are idle.
const TIMEOUT_ANSWER: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// A connection, and what is known of it.
#[derive(Debug)]
pub(super) struct Connection {
    socket: TcpStream,
    shared: Arc<Shared>,
    orders: mpsc::UnboundedReceiver<Order>,
    port: u16,
    input: Vec<u8>,
    /// What was asked for last.
    path: String,
    answered: u64,
}

/// Whether there will be more requests.
#[derive(Debug, PartialEq, Eq)]
enum Course {
    On,
    Over,
}

impl Connection {
    pub(super) fn new(
        socket: TcpStream,
        port: u16,
        shared: Arc<Shared>,
        orders: mpsc::UnboundedReceiver<Order>,
    ) -> Self {
        let (input, path) = (Vec::new(), String::new());
        Self { socket, shared, orders, port, input, path, answered: 0 }
    }

    /// Serves it to its end.
    pub(super) async fn serve(mut self) {
        while let Some(request) = self.next_request().await {
            self.path.clone_from(&request.path);
            if self.answer(&request).await == Course::Over {
                break;
            }
        }
    }

    /// The next request, or none if the connection has ended.
    async fn next_request(&mut self) -> Option<Request> {
        loop {
            let is_under_way = match Request::parse(&mut self.input) {
                Parsed::Whole(request) => return Some(request),
                Parsed::Part { path } => {
                    self.path = path;
                    true
                }
                Parsed::Nothing => false,
            };
            tokio::select! {
                biased;
                order = self.orders.recv() => {
                    let order = order?;
                    let course = match is_under_way {
                        true => self.obey_in_flight(&order).await,
                        false => self.obey_idle(&order).await,
                    };
                    if course == Course::Over {
                        return None;
                    }
                }
                read = self.socket.read_buf(&mut self.input) => match read {
                    Ok(0) | Err(_) => return None,
                    Ok(_) => {}
                }
            }
        }
    }

    /// Between two requests, as far as can be seen from here.
    async fn obey_idle(&mut self, order: &Order) -> Course {
        if self.answered == 0 {
            // Its first request is on its way: it is not idle to its client.
            return Course::On;
        }
        let (last_words, if_idle, if_crossed) = match order.command {
            Command::CloseIdle => {
                (&b""[..], Harm::ClosedBetweenRequests, Harm::Lost { crossed: true })
            }
            Command::TalkToIdle => (TIMEOUT_ANSWER, Harm::Unsolicited, Harm::Wrong),
            Command::CutInFlight | Command::EndInFlight => return Course::On,
        };
        match self.end(last_words).await {
            0 => self.record(if_idle),
            _ => self.record(if_crossed),
        }
        Course::Over
    }

    /// Some of a request has come, and nothing of its answer has gone.
    async fn obey_in_flight(&mut self, order: &Order) -> Course {
        let crossed = self.answered > 0;
        match order.command {
            Command::CutInFlight => {
                self.record(Harm::Reset { crossed });
                self.socket.set_zero_linger().unwrap();
                Course::Over
            }
            Command::EndInFlight => {
                self.record(Harm::Lost { crossed });
                self.end(b"").await;
                Course::Over
            }
            Command::CloseIdle | Command::TalkToIdle => Course::On,
        }
    }

    async fn answer(&mut self, request: &Request) -> Course {
        let Some(twist) = self.shared.twist_for(request) else {
            if self.wait(request.pause).await == Course::Over {
                return Course::Over;
            }
            return self.answer_well(request).await;
        };
        let delay = if let Twist::Late(delay) = twist { delay } else { Duration::ZERO };
        if self.wait(request.pause + delay).await == Course::Over {
            self.shared.twisted();
            return Course::Over;
        }
        let harm = match twist {
            Twist::Late(_) => {
                let course = self.answer_well(request).await;
                self.shared.twisted();
                return course;
            }
            Twist::Half => Harm::Lost { crossed: false },
            Twist::Unavailable | Twist::Garbage | Twist::OtherEcho => Harm::Wrong,
            Twist::Goodbye => {
                self.shared.count_answer();
                Harm::AnnouncedClose
            }
            Twist::Never => Harm::TimedOut,
        };
        self.record(harm);
        self.shared.twisted();
        match twist {
            Twist::Never => self.hear_out().await,
            _ => self.end(&request.answer(self.shared.generation(), Some(twist))).await,
        };
        Course::Over
    }

    async fn answer_well(&mut self, request: &Request) -> Course {
        let wire = request.answer(self.shared.generation(), None);
        // Whoever is gone by now is missed in the number of answers.
        if self.socket.write_all(&wire).await.is_err() {
            return Course::Over;
        }
        self.shared.count_answer();
        self.answered += 1;
        if request.wants_close { Course::Over } else { Course::On }
    }

    /// Lets time pass while a request is under way.
    async fn wait(&mut self, time: Duration) -> Course {
        let until = tokio::time::Instant::now() + time;
        // What was ordered before the request had come is for those who are idle then.
        while tokio::time::Instant::now() < until {
            tokio::select! {
                // The time that an answer takes is what is asked for.
                () = sleep(until - tokio::time::Instant::now()) => {}
                order = self.orders.recv() => {
                    let Some(order) = order else { return Course::Over };
                    if self.obey_in_flight(&order).await == Course::Over {
                        return Course::Over;
                    }
                }
            }
        }
        Course::On
    }

    /// Says the last words and ends it in order: all that comes is read, so that it is no reset.
    /// Returns how many bytes came after that.
    async fn end(&mut self, last_words: &[u8]) -> usize {
        // The client may be gone, which the reading will tell.
        let _ = self.socket.write_all(last_words).await;
        let _ = self.socket.shutdown().await;
        self.hear_out().await
    }

    /// Reads to the end of file, obeys nobody any more, and returns how many bytes came.
    async fn hear_out(&mut self) -> usize {
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
        let (mut bytes, mut count) = ([0; 4096], 0);
        while let Ok(read @ 1..) = self.socket.read(&mut bytes).await {
            count += read;
        }
        count
    }

    fn record(&self, harm: Harm) {
        let (restart, path) = (self.shared.restarts(), self.path.clone());
        self.shared.ledger.add(Deed { restart, path, port: self.port, harm });
    }
}
