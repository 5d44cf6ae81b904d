//! What a load shall be. Owns the settings and their check; refuses to run on without a check.

pub(crate) mod error;
mod fit;
mod pace;

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use self::error::PlanError;
use crate::client::Client;
use crate::connect::Connector;
use crate::conversation::Conversation;
use crate::endpoint::{Endpoint, EndpointError};
use crate::group::Group;
use crate::http2::hub::Hub;
use crate::load::Load;
use crate::pacer::Pacer;
use crate::recognise::Recognise;
use crate::recognise::header_or_body::ByHeaderOrBody;
use crate::run::{GroupRun, Run};
use crate::stop::Stop;
use crate::target::Target;

const DEFAULT_REQUEST_LIMIT: Duration = Duration::from_secs(10);
const DEFAULT_SEED: u64 = 1;
/// An odd number whose multiples spread over all 64 bits: 2^64 divided by the golden ratio.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// How many clients begin to ask at once: half the shortest queue that servers commonly have.
const RAMP_CLIENTS: u64 = 64;
/// When the next ones do.
const RAMP_STEP: Duration = Duration::from_millis(10);

/// The plan of a load: an endpoint and groups of connections.
#[derive(Clone)]
pub struct Plan {
    endpoint: Endpoint,
    groups: Vec<Group>,
    duration: Option<Duration>,
    request_limit: Duration,
    seed: u64,
    recognise: Arc<dyn Recognise>,
}

impl Plan {
    /// A plan without groups yet; it goes on until it is stopped. A [`Target`](crate::Target) is
    /// an endpoint too.
    #[must_use]
    pub fn new(endpoint: impl Into<Endpoint>) -> Self {
        Self {
            endpoint: endpoint.into(),
            groups: Vec::new(),
            duration: None,
            request_limit: DEFAULT_REQUEST_LIMIT,
            seed: DEFAULT_SEED,
            recognise: Arc::new(ByHeaderOrBody::default()),
        }
    }

    /// Adds a group of connections.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// How long requests are started; those under way then are finished.
    #[must_use]
    pub fn duration(mut self, duration: Duration) -> Self {
        self.duration = Some(duration);
        self
    }

    /// The time limit of each request, connecting included; 10 s without it.
    #[must_use]
    pub fn request_limit(mut self, limit: Duration) -> Self {
        self.request_limit = limit;
        self
    }

    /// What the bodies and think times are drawn from; 1 without it.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How to tell from an answer who gave it; [`ByHeaderOrBody`] without it.
    #[must_use]
    pub fn recognise(mut self, recognise: impl Recognise) -> Self {
        self.recognise = Arc::new(recognise);
        self
    }

    /// As [`Plan::recognise`], with one that is shared.
    pub(crate) fn recognise_with(mut self, recognise: Arc<dyn Recognise>) -> Self {
        self.recognise = recognise;
        self
    }

    /// Whether the load ends by itself.
    pub(crate) fn has_end(&self) -> bool {
        let has_requests = self.groups.iter().all(|group| group.requests.is_some());
        self.duration.is_some() || has_requests
    }

    /// The same plan for one request of each group.
    pub(crate) fn once(mut self) -> Self {
        self.duration = None;
        for group in &mut self.groups {
            group.connections = group.connections.min(1);
            group.requests = Some(1);
            group.rate = None;
        }
        self
    }

    /// Where the groups ask, each target once.
    pub(crate) fn targets(&self) -> Vec<Target> {
        let mut targets = Vec::new();
        for group in &self.groups {
            let target = group.endpoint.as_ref().unwrap_or(&self.endpoint).target();
            if !targets.contains(target) {
                targets.push(target.clone());
            }
        }
        targets
    }

    /// Starts all clients, as tasks of the caller's tokio runtime. Without a rate, 64 of them begin
    /// to ask every 10 ms: a thousand at once would fill a server's queue, and be refused for that.
    ///
    /// # Errors
    /// If the plan cannot be carried out as it stands; nothing was sent then.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time, as `tokio::spawn` does.
    pub fn start(self) -> Result<Load, PlanError> {
        let connectors = self.connectors()?;
        let Self { endpoint, groups, duration, request_limit, seed, recognise } = self;
        let run = Arc::new(Run::new(request_limit, recognise));
        let deadline = duration.and_then(|duration| run.started.checked_add(duration));
        let (stopper, stop) = Stop::new(deadline);
        let groups: Vec<_> = groups
            .into_iter()
            .zip(connectors)
            .enumerate()
            .map(|(index, (group, connector))| {
                Ok(Arc::new(GroupRun::new(index, group, connector, run.started)?))
            })
            .collect::<io::Result<_>>()
            .map_err(|error| PlanError::Timer {
                errno: error.raw_os_error().unwrap_or_default(),
            })?;
        let mut clients = Vec::new();
        let mut hub = Hub::default();
        for (place, group) in groups.iter().flat_map(places) {
            if place.is_multiple_of(group.group.protocol.lanes()) {
                hub = Hub::default();
            }
            let number = clients.len() as u64;
            let seed = seed.wrapping_add(SEED_STEP.wrapping_mul(number));
            let endpoint = group.group.endpoint.as_ref().unwrap_or(&endpoint);
            let conversation = Conversation::new(&group.group, endpoint, &hub, number);
            let random = fastrand::Rng::with_seed(seed);
            let (run, group) = (Arc::clone(&run), Arc::clone(group));
            let begins = begins_after(number);
            let client = Client::new(run, group, place, stop.clone(), random, conversation, begins);
            clients.push(tokio::spawn(client.run()));
        }
        let waking = groups.iter().filter_map(|group| group.pacer.as_ref()).map(Pacer::start);
        Ok(Load::new(run, groups.clone(), clients, stopper, duration, waking.collect()))
    }

    /// Checks everything, and says how each group connects.
    fn connectors(&self) -> Result<Vec<Connector>, PlanError> {
        if self.groups.is_empty() {
            return Err(PlanError::NoGroup);
        }
        let connector = |(place, group): (usize, &Group)| {
            let endpoint = group.endpoint.as_ref().unwrap_or(&self.endpoint);
            fit::check(place, group, endpoint)?;
            pace::check(place, group, self.request_limit)?;
            let connector = Connector::new(endpoint, group);
            connector.map_err(|error| EndpointError::Tls(error).into())
        };
        self.groups.iter().enumerate().map(connector).collect()
    }
}

/// How long after the start a client begins to ask, if no rate says it.
fn begins_after(number: u64) -> Duration {
    RAMP_STEP.saturating_mul(u32::try_from(number / RAMP_CLIENTS).unwrap_or(u32::MAX))
}

/// One place for each client of a group. Those that share a connection are neighbours.
fn places(group: &Arc<GroupRun>) -> impl Iterator<Item = (usize, &Arc<GroupRun>)> {
    (0..group.group.lanes()).map(move |place| (place, group))
}

impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plan")
            .field("endpoint", &self.endpoint)
            .field("groups", &self.groups)
            .field("duration", &self.duration)
            .field("request_limit", &self.request_limit)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::group::Mode;
    use crate::request::Request;

    fn plan() -> Plan {
        Plan::new(Target::Unix("/nowhere".into()))
    }

    #[tokio::test]
    async fn what_cannot_be_carried_out_is_not_started() {
        assert_eq!(plan().start().unwrap_err(), PlanError::NoGroup);
        let sound = Group::new(Mode::Keep, Request::get("/"));
        let none = plan().group(sound.clone()).group(sound.clone().connections(0));
        assert_eq!(none.start().unwrap_err(), PlanError::NoConnection { group: 1 });
        let path = "/ HTTP/1.1\r\n";
        let smuggled = plan().group(sound).group(Group::new(Mode::Keep, Request::get(path)));
        assert_eq!(smuggled.start().unwrap_err(), PlanError::Path { path: path.to_owned() });
    }
}
