//! What is said on one connection: the machine that both drivers, threads and tasks, carry out.
//!
//! ```text
//!      ┌─────────────────────── the answer is out, and the connection kept ◄──┐
//!      ▼                                                                      │
//!    Head ──► Body ──► Answer ──► (pause) ──► (write) ────────────────────────┴──► Over
//!      │        │                                                                   ▲
//!      └────────┴──► Refused: what came is no request, or too much, or too slow ────┘
//! ```
//! When a goodbye is due, the next answer says `Connection: close`, and that is the last one. A
//! request that has begun to arrive behind it is answered first: nothing in flight is lost, not
//! even what a client has pipelined.

use std::mem;
use std::time::Duration;

use super::answer::Answer;
use super::body::{Body, Length};
use super::handler::Handler;
use super::head::{self, Head, Persistence};
use super::refusal::Refusal;
use super::request::{Method, Request};
use super::response::{Framing, encode};

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The conversation on one connection.
#[derive(Debug)]
pub struct Conversation<H> {
    handler: H,
    received: Vec<u8>,
    state: State,
}

/// What the driver has to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Read, and tell what came: [`receive`](Conversation::receive), or
    /// [`time_out`](Conversation::time_out) if nothing did.
    Read,
    /// Wait so long.
    Pause(Duration),
    /// Write all of this.
    Write(Vec<u8>),
    /// The last word is said: close, once the client has seen it.
    Close,
}

#[derive(Debug)]
enum State {
    Head,
    Body { head: Head, body: Body },
    Answer { answer: Answer, method: Method, persistence: Persistence },
    Refused(Refusal),
    Over,
}

impl<H: Handler> Conversation<H> {
    /// A conversation that has not begun.
    #[must_use]
    pub const fn new(handler: H) -> Self {
        Self { handler, received: Vec::new(), state: State::Head }
    }

    /// These bytes came.
    pub fn receive(&mut self, bytes: &[u8]) {
        self.received.extend_from_slice(bytes);
    }

    /// Nothing came for too long. A connection between two requests is closed; a client that owes
    /// the rest of a request is told.
    pub fn time_out(&mut self) {
        let owes = !matches!(self.state, State::Head) || !self.received.is_empty();
        self.state = if owes { State::Refused(Refusal::TooSlow) } else { State::Over };
    }

    /// What to do next. `goodbye` says whether the connection should be left with the next answer.
    pub fn step(&mut self, goodbye: bool) -> Step {
        loop {
            let state = mem::replace(&mut self.state, State::Over);
            let step = match state {
                State::Head => self.read_head(),
                State::Body { head, body } => self.read_body(head, body),
                State::Answer { answer, method, persistence } => {
                    let persistence = self.persistence(persistence, goodbye);
                    return self.write(&answer, method == Method::Head, persistence);
                }
                State::Refused(refusal) => {
                    let answer = Answer::of(refusal.status(), refusal);
                    return self.write(&answer, false, Persistence::Closed);
                }
                State::Over => return Step::Close,
            };
            match step {
                Ok(Some(step)) => return step,
                Ok(None) => {}
                Err(refusal) => self.state = State::Refused(refusal),
            }
        }
    }

    /// Whether the connection is kept after this answer.
    fn persistence(&self, asked: Persistence, goodbye: bool) -> Persistence {
        if goodbye && self.received.is_empty() { Persistence::Closed } else { asked }
    }

    fn read_head(&mut self) -> Result<Option<Step>, Refusal> {
        let Some((head, length)) = head::parse(&self.received)? else {
            self.state = State::Head;
            return Ok(Some(Step::Read));
        };
        self.received.drain(..length);
        let waits =
            head.expects_continue && head.length != Length::Counted(0) && self.received.is_empty();
        let body = Body::new(head.length);
        self.state = State::Body { head, body };
        Ok(waits.then(|| Step::Write(CONTINUE.to_vec())))
    }

    fn read_body(&mut self, head: Head, mut body: Body) -> Result<Option<Step>, Refusal> {
        let taken = body.take(&self.received)?;
        self.received.drain(..taken);
        if !body.is_whole() {
            self.state = State::Body { head, body };
            return Ok(Some(Step::Read));
        }
        let Head { method, target, persistence, .. } = head;
        let answer = self.handler.answer(Request { method, target, body: body.into_content() });
        let pause = answer.pause;
        self.state = State::Answer { answer, method, persistence };
        Ok((!pause.is_zero()).then_some(Step::Pause(pause)))
    }

    fn write(&mut self, answer: &Answer, without_body: bool, persistence: Persistence) -> Step {
        self.state = match persistence {
            Persistence::Kept | Persistence::KeptIfSaid => State::Head,
            Persistence::Closed => State::Over,
        };
        Step::Write(encode(answer, &self.handler.fields(), Framing { without_body, persistence }))
    }
}
