//! A client's side of HTTP/1.1, on one connection at a time. Owns that connection and the requests;
//! refuses to count.

use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::endpoint::Endpoint;
use crate::flow::Flow;
use crate::group::Group;
use crate::http1::draft::Draft;
use crate::http1::exchange::Exchange;
use crate::received::Received;
use crate::recognise::Answer;
use crate::stream::{Glance, Stream};

/// Requests and answers of HTTP/1.1.
#[derive(Debug)]
pub(crate) struct Talk {
    draft: Draft,
    exchange: Exchange,
    stream: Option<Stream>,
}

impl Talk {
    pub(crate) fn new(group: &Group, endpoint: &Endpoint, client: u64) -> Self {
        let draft = Draft::new(group, endpoint, client);
        Self { draft, exchange: Exchange::new(Flow::new(group)), stream: None }
    }

    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        self.draft.renew(random);
    }

    pub(crate) async fn connect(&mut self, connector: &Connector) -> Result<Option<u16>, Fault> {
        let connected = connector.connect().await?;
        self.stream = Some(connected.stream);
        Ok(connected.local_port)
    }

    pub(crate) async fn greet(&mut self, phase: &mut Phase) -> Result<(), Fault> {
        match &mut self.stream {
            Some(stream) => stream.greet(phase).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn exchange(&mut self, phase: &mut Phase) -> Result<Received, Fault> {
        let stream = self.stream.as_mut().expect("it is connected before it asks");
        self.exchange.run(stream, &self.draft, phase).await
    }

    /// The answer that came last, if it was whole.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        self.exchange.answer()
    }

    pub(crate) fn glance(&mut self) -> Glance {
        self.stream.as_mut().map_or(Glance::Quiet, Stream::glance)
    }

    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        match &mut self.stream {
            Some(stream) => stream.until_not_quiet().await,
            None => Glance::Quiet,
        }
    }

    pub(crate) fn leave(&mut self) {
        self.stream = None;
    }
}
