//! What a client says on one connection at a time: the one door to all protocols. Owns the
//! choice among them; refuses to count.
//!
//! ```text
//!  connect ──► greet ──► exchange ──► exchange ──► … ──► close
//!                           └─ rest: glance, until_not_quiet
//! ```
//! Whatever fails or is given up: `leave`, and `connect` again.

use crate::account::failure::Phase;
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::datagrams::Datagrams;
use crate::echo::Echo;
use crate::endpoint::Endpoint;
use crate::group::Group;
use crate::http1::talk::Talk;
use crate::http2::hub::Hub;
use crate::http2::lane::Lane;
use crate::protocol::Protocol;
use crate::received::Received;
use crate::recognise::Answer;
use crate::stream::Glance;
use crate::websocket::WebSocket;

/// A protocol with the connection on which it is spoken.
#[derive(Debug)]
pub(crate) enum Conversation {
    Http1(Talk),
    WebSocket(WebSocket),
    Echo(Echo),
    Datagrams(Datagrams),
    Http2(Box<Lane>),
}

/// Calls the same method of whichever it is.
macro_rules! each {
    ($self:ident, $talk:ident => $call:expr) => {
        match $self {
            Self::Http1($talk) => $call,
            Self::WebSocket($talk) => $call,
            Self::Echo($talk) => $call,
            Self::Datagrams($talk) => $call,
            Self::Http2($talk) => $call,
        }
    };
}

impl Conversation {
    /// `client` is a number that no other client of the load has; `hub` is shared by those that
    /// share a connection.
    pub(crate) fn new(group: &Group, endpoint: &Endpoint, hub: &Hub, client: u64) -> Self {
        match group.protocol {
            Protocol::Http1 => Self::Http1(Talk::new(group, endpoint, client)),
            Protocol::Http2 { .. } => {
                Self::Http2(Box::new(Lane::new(hub.clone(), group, endpoint, client)))
            }
            Protocol::WebSocket => Self::WebSocket(WebSocket::new(group, endpoint, client)),
            Protocol::Echo => Self::Echo(Echo::new(group, client)),
            Protocol::Datagrams => Self::Datagrams(Datagrams::new(group, client)),
        }
    }

    /// Makes the next request.
    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        each!(self, talk => talk.renew(random));
    }

    /// Opens a connection, and says its local port if it has one.
    pub(crate) async fn connect(&mut self, connector: &Connector) -> Result<Option<u16>, Fault> {
        each!(self, talk => talk.connect(connector).await)
    }

    /// All that comes before the first request on a new connection.
    pub(crate) async fn greet(&mut self, phase: &mut Phase) -> Result<(), Fault> {
        each!(self, talk => talk.greet(phase).await)
    }

    /// Begins the request, where a connection is shared. False if it had ended by then, and nothing
    /// was sent on it.
    pub(crate) async fn begin(&mut self) -> Result<bool, Fault> {
        match self {
            Self::Http2(lane) => lane.begin().await,
            Self::Http1(_) | Self::WebSocket(_) | Self::Echo(_) | Self::Datagrams(_) => Ok(true),
        }
    }

    /// Sends the request and reads its answer. `phase` says how far it has come, also when it has
    /// failed or is dropped.
    pub(crate) async fn exchange(&mut self, phase: &mut Phase) -> Result<Received, Fault> {
        each!(self, talk => talk.exchange(phase).await)
    }

    /// The answer that came last, where it can say more than what was asked.
    pub(crate) fn answer(&self) -> Option<Answer<'_>> {
        match self {
            Self::Http1(talk) => talk.answer(),
            Self::Http2(lane) => Some(lane.answer()),
            // What comes back is what was sent.
            Self::WebSocket(_) | Self::Echo(_) | Self::Datagrams(_) => None,
        }
    }

    /// Looks, without waiting, for what should not be there while no request is under way.
    pub(crate) fn glance(&mut self) -> Glance {
        each!(self, talk => talk.glance())
    }

    /// Waits until there is something to see. Answers meanwhile what a resting client must answer.
    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        each!(self, talk => talk.until_not_quiet().await)
    }

    /// After the last answer: says goodbye where that is for the client to do, and sees what comes
    /// instead of the server's end.
    pub(crate) async fn close(&mut self) -> Glance {
        match self {
            // It was said with the request, or by the answer.
            Self::Http1(talk) => talk.until_not_quiet().await,
            Self::WebSocket(talk) => talk.close().await,
            Self::Echo(talk) => talk.close().await,
            // Nobody closes: there is nothing to wait for.
            Self::Datagrams(talk) => talk.glance(),
            // It is not this lane's alone.
            Self::Http2(lane) => lane.glance(),
        }
    }

    /// How many requests the connection has answered, where others share it.
    pub(crate) fn answered(&self) -> Option<u64> {
        match self {
            Self::Http2(lane) => Some(lane.answered()),
            Self::Http1(_) | Self::WebSocket(_) | Self::Echo(_) | Self::Datagrams(_) => None,
        }
    }

    /// Whether the connection is as good as before, although a request on it has failed.
    pub(crate) fn survives(&mut self) -> bool {
        match self {
            Self::Http2(lane) => lane.survives(),
            Self::Http1(_) | Self::WebSocket(_) | Self::Echo(_) | Self::Datagrams(_) => false,
        }
    }

    /// What is to be told of a connection's end beside the request that failed with it: where
    /// others share it, the last of them to leave tells what nobody has told.
    pub(crate) fn untold(&mut self) -> Glance {
        match self {
            Self::Http2(lane) => lane.glance(),
            Self::Http1(_) | Self::WebSocket(_) | Self::Echo(_) | Self::Datagrams(_) => {
                Glance::Quiet
            }
        }
    }

    /// Leaves the connection as it is.
    pub(crate) fn leave(&mut self) {
        each!(self, talk => talk.leave());
    }
}
