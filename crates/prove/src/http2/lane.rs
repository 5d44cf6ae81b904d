//! One of the lanes of a connection: request after request, each a stream of its own. Owns the
//! judgement of answers; refuses to count.

use std::future::poll_fn;
use std::io::Write as _;
use std::pin::pin;
use std::sync::Arc;

use bytes::Bytes;
use h2::SendStream;
use http::response::Parts;
use tokio::time::{Instant, sleep_until};

use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::content::Content;
use crate::endpoint::Endpoint;
use crate::flow::Flow;
use crate::group::Group;
use crate::http2::draft::Draft;
use crate::http2::hub::{Hub, Joined, Opening};
use crate::http2::incoming::{Incoming, Piece};
use crate::http2::link::{Begun, Link};
use crate::received::Received;
use crate::recognise::Answer;
use crate::stream::Glance;
use crate::wrong::WrongAnswer;

/// Requests and answers of HTTP/2, one at a time.
#[derive(Debug)]
pub(crate) struct Lane {
    hub: Hub,
    flow: Flow,
    draft: Draft,
    opening: Option<Opening>,
    link: Option<Arc<Link>>,
    begun: Option<Begun>,
    answer: Judged,
}

/// The answer that came last.
#[derive(Debug, Default)]
struct Judged {
    status: u16,
    /// As HTTP/1.1 would write it: so a recogniser needs to know one way only.
    head: Vec<u8>,
    content: Content,
}

impl Lane {
    /// `client` is a number that no other client of the load has.
    pub(crate) fn new(hub: Hub, group: &Group, endpoint: &Endpoint, client: u64) -> Self {
        Self {
            hub,
            flow: Flow::new(group),
            draft: Draft::new(group, endpoint, client),
            opening: None,
            link: None,
            begun: None,
            answer: Judged::default(),
        }
    }

    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        self.draft.renew(random);
    }

    pub(crate) async fn connect(&mut self, connector: &Connector) -> Result<Option<u16>, Fault> {
        Ok(match self.hub.join(connector).await? {
            Joined::Link(link) => self.link.insert(link).local_port,
            Joined::Opened(opening) => self.opening.insert(opening).local_port(),
        })
    }

    pub(crate) async fn greet(&mut self, phase: &mut Phase) -> Result<(), Fault> {
        if let Some(opening) = self.opening.take() {
            self.link = Some(opening.greet(phase, self.flow).await?);
        }
        Ok(())
    }

    /// Begins the request. False if the connection had ended by then, and nothing was sent.
    pub(crate) async fn begin(&mut self) -> Result<bool, Fault> {
        let link = self.link.as_ref().expect("it is connected before it asks");
        self.begun = link.begin(&self.draft).await?;
        Ok(self.begun.is_some())
    }

    pub(crate) async fn exchange(&mut self, phase: &mut Phase) -> Result<Received, Fault> {
        let (Some(link), Some(begun)) = (&self.link, self.begun.take()) else {
            unreachable!("it was begun before");
        };
        let Begun { response, outgoing, body, open } = begun;
        let stream = response.stream_id().as_u32();
        let mut incoming = Incoming::new(response, self.flow.reading());
        let mut sending = pin!(send(outgoing, body, self.flow));
        let mut is_sending = true;
        let fault = |error: h2::Error| link.fault(&error, stream);
        *phase = Phase::Sending;
        loop {
            tokio::select! {
                biased;
                sent = &mut sending, if is_sending => {
                    is_sending = false;
                    // If it failed, so has the answer, or it says why.
                    if sent.is_ok() && *phase == Phase::Sending {
                        *phase = Phase::Awaiting;
                    }
                }
                piece = incoming.next() => match piece.map_err(fault)? {
                    Piece::Head(head) => {
                        *phase = Phase::Reading;
                        self.answer.begin(&head)?;
                    }
                    Piece::Body(bytes) => self.answer.content.add(&bytes, self.draft.echo())?,
                    Piece::End => {
                        let at = Instant::now();
                        self.answer.content.check_length(self.draft.echo())?;
                        if is_sending {
                            return Err(WrongAnswer::Early.into());
                        }
                        link.count_answer();
                        drop(open);
                        // Whether the connection ends is for all lanes to see, and for one to tell.
                        return Ok(Received { at, keeps: true });
                    }
                },
            }
        }
    }

    /// The answer that came last.
    pub(crate) fn answer(&self) -> Answer<'_> {
        Answer::new(&self.answer.head, self.answer.status, self.answer.content.shown())
    }

    /// How many requests the connection has answered, those of other lanes too.
    pub(crate) fn answered(&self) -> u64 {
        self.link.as_ref().map_or(0, |link| link.answered())
    }

    /// Whether no lane has begun a request on the connection.
    pub(crate) fn is_unused(&self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_unused())
    }

    /// Whether the connection is as good as before, although a request has failed.
    pub(crate) fn survives(&mut self) -> bool {
        self.link.as_ref().is_some_and(|link| link.is_usable())
    }

    pub(crate) fn glance(&mut self) -> Glance {
        self.link.as_ref().map_or(Glance::Quiet, |link| link.look())
    }

    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        match &self.link {
            Some(link) => link.until_not_quiet().await,
            None => Glance::Quiet,
        }
    }

    pub(crate) fn leave(&mut self) {
        self.opening = None;
        self.begun = None;
        self.link = None;
    }
}

impl Judged {
    fn begin(&mut self, head: &Parts) -> Result<(), WrongAnswer> {
        self.content.begin();
        self.head.clear();
        self.status = head.status.as_u16();
        if !head.status.is_success() {
            return Err(WrongAnswer::Status { status: self.status });
        }
        write!(self.head, "HTTP/2 {}\r\n", self.status).expect("a vector takes every write");
        for (name, value) in &head.headers {
            let parts = [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"];
            parts.iter().for_each(|part| self.head.extend_from_slice(part));
        }
        self.head.extend_from_slice(b"\r\n");
        Ok(())
    }
}

/// Sends a body, as fast as it may go and as the server takes it.
async fn send(mut outgoing: SendStream<Bytes>, body: Bytes, flow: Flow) -> Result<(), h2::Error> {
    let began = Instant::now();
    let mut sent_bytes = 0;
    while sent_bytes < body.len() {
        let sendable_bytes = flow.sendable(body.len(), began.elapsed());
        if sendable_bytes == sent_bytes {
            sleep_until(flow.next_upload(began, Instant::now())).await;
            continue;
        }
        outgoing.reserve_capacity(sendable_bytes - sent_bytes);
        let room_bytes = match outgoing.capacity() {
            0 => match poll_fn(|context| outgoing.poll_capacity(context)).await {
                Some(room) => room?,
                None => return Err(h2::Reason::STREAM_CLOSED.into()),
            },
            room => room,
        };
        let end = sendable_bytes.min(sent_bytes + room_bytes);
        outgoing.send_data(body.slice(sent_bytes..end), end == body.len())?;
        sent_bytes = end;
    }
    Ok(())
}
