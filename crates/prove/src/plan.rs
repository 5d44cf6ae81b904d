//! What a load shall be. Owns the settings and their check; refuses to run on without a check.

use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use crate::client::Client;
use crate::group::{Group, Mode};
use crate::load::Load;
use crate::recognise::{ByHeaderOrBody, Recognise};
use crate::request::{Draft, Request};
use crate::run::{GroupRun, Run};
use crate::stop::Stop;
use crate::target::Target;

const DEFAULT_REQUEST_LIMIT: Duration = Duration::from_secs(10);
const DEFAULT_SEED: u64 = 1;
/// From one request in a quarter of an hour to more than a machine can make, in requests a second.
const RATES: RangeInclusive<f64> = 0.001..=1_000_000.0;
/// An odd number whose multiples spread over all 64 bits: 2^64 divided by the golden ratio.
const SEED_STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// The plan of a load: a target and groups of connections.
#[derive(Clone)]
pub struct Plan {
    target: Target,
    groups: Vec<Group>,
    duration: Option<Duration>,
    request_limit: Duration,
    seed: u64,
    recognise: Arc<dyn Recognise>,
}

impl Plan {
    /// A plan without groups yet; it goes on until it is stopped.
    #[must_use]
    pub fn new(target: Target) -> Self {
        Self {
            target,
            groups: Vec::new(),
            duration: None,
            request_limit: DEFAULT_REQUEST_LIMIT,
            seed: DEFAULT_SEED,
            recognise: Arc::new(ByHeaderOrBody),
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

    /// Starts all clients, as tasks of the caller's tokio runtime.
    ///
    /// # Errors
    /// If the plan cannot be carried out as it stands; nothing was sent then.
    ///
    /// # Panics
    /// Outside of a tokio runtime with I/O and time, as `tokio::spawn` does.
    pub fn start(self) -> Result<Load, PlanError> {
        self.check()?;
        let Self { target, groups, duration, request_limit, seed, recognise } = self;
        let run = Arc::new(Run::new(target.clone(), request_limit, recognise));
        let deadline = duration.and_then(|duration| run.started.checked_add(duration));
        let (stopper, stop) = Stop::new(deadline);
        let groups: Vec<_> = groups
            .into_iter()
            .enumerate()
            .map(|(index, group)| Arc::new(GroupRun::new(index, group)))
            .collect();
        let mut clients = Vec::new();
        for (place, group) in groups.iter().flat_map(places) {
            let number = clients.len() as u64;
            let seed = seed.wrapping_add(SEED_STEP.wrapping_mul(number));
            let Group { request, mode, .. } = &group.group;
            let draft = Draft::new(request, &target, mode.is_kept(), number);
            let random = fastrand::Rng::with_seed(seed);
            let (run, group) = (Arc::clone(&run), Arc::clone(group));
            let client = Client::new(run, group, place, stop.clone(), random, draft);
            clients.push(tokio::spawn(client.run()));
        }
        Ok(Load::new(run, groups, clients, stopper, duration))
    }

    fn check(&self) -> Result<(), PlanError> {
        if self.groups.is_empty() {
            return Err(PlanError::NoGroup);
        }
        for (group, Group { request, connections, .. }) in self.groups.iter().enumerate() {
            if *connections == 0 {
                return Err(PlanError::NoConnection { group });
            }
            if !request.has_sound_path() {
                return Err(PlanError::Path { path: request.path().to_owned() });
            }
        }
        let mut groups = self.groups.iter().enumerate();
        groups.try_for_each(|(group, shape)| self.check_pace(group, shape))
    }

    /// Checks when and how fast a group asks.
    fn check_pace(&self, group: usize, shape: &Group) -> Result<(), PlanError> {
        if let Some(rate) = shape.rate {
            if !RATES.contains(&rate) {
                return Err(PlanError::Rate { group, rate: rate.to_string() });
            }
            if matches!(shape.mode, Mode::Idle { .. }) || !shape.pause.is_zero() {
                return Err(PlanError::RateAndRest { group });
            }
        }
        match (shape.upload_time, &shape.request) {
            (Some(_), Request::Get { .. }) => return Err(PlanError::NothingToUpload { group }),
            (Some(time), Request::Post { .. }) if time >= self.request_limit => {
                let limit = self.request_limit;
                return Err(PlanError::UploadTime { group, time, limit });
            }
            (Some(_) | None, Request::Post { .. }) | (None, Request::Get { .. }) => {}
        }
        match shape.read_rate {
            Some(0) => Err(PlanError::ReadRate { group }),
            Some(_) | None => Ok(()),
        }
    }
}

/// One place for each connection of a group.
fn places(group: &Arc<GroupRun>) -> impl Iterator<Item = (usize, &Arc<GroupRun>)> {
    (0..group.group.connections).map(move |place| (place, group))
}

impl fmt::Debug for Plan {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Plan")
            .field("target", &self.target)
            .field("groups", &self.groups)
            .field("duration", &self.duration)
            .field("request_limit", &self.request_limit)
            .field("seed", &self.seed)
            .finish_non_exhaustive()
    }
}

/// Why a plan cannot be carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// There is no group.
    #[error("start the load: the plan has no group of connections; add one")]
    NoGroup,
    /// A group has no connection.
    #[error("start the load: group `{group}` has no connection; give it at least one")]
    NoConnection {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// A path cannot stand in a request line.
    #[error("start the load: path `{path}` must begin with `/` and be visible ASCII without `#`")]
    Path {
        /// The path.
        path: String,
    },
    /// A group's rate is none.
    #[error(
        "start the load: group `{group}` cannot ask `{rate}` times a second; give it a rate from \
         0.001 to 1,000,000"
    )]
    Rate {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// The rate.
        rate: String,
    },
    /// A group would ask at a rate and when it has rested.
    #[error(
        "start the load: group `{group}` has a rate, which says when it asks, and think times or \
         a pause as well; leave out one of them"
    )]
    RateAndRest {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// An upload without a body.
    #[error("start the load: group `{group}` has an upload time and no body; let it post one")]
    NothingToUpload {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
    /// An upload cannot end in time.
    #[error(
        "start the load: each upload of group `{group}` takes {time:?}, and each request may take \
         {limit:?}; let requests take longer"
    )]
    UploadTime {
        /// The place of the group in the plan, from 0.
        group: usize,
        /// How long an upload takes.
        time: Duration,
        /// How long a request may take.
        limit: Duration,
    },
    /// Nothing would ever be read.
    #[error("start the load: group `{group}` reads 0 bytes a second; let it read at least one")]
    ReadRate {
        /// The place of the group in the plan, from 0.
        group: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

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

    #[tokio::test]
    async fn a_pace_that_cannot_be_kept_is_not_started() {
        let get = || Group::new(Mode::Keep, Request::get("/"));
        let post = || Group::new(Mode::Keep, Request::post("/", 100));
        let idle = Mode::Idle { mean_think: Duration::from_secs(1) };
        let limit = DEFAULT_REQUEST_LIMIT;
        let cases = [
            (get().rate(0.0), PlanError::Rate { group: 0, rate: "0".into() }),
            (get().rate(f64::NAN), PlanError::Rate { group: 0, rate: "NaN".into() }),
            (get().rate(-1.0), PlanError::Rate { group: 0, rate: "-1".into() }),
            (get().rate(f64::INFINITY), PlanError::Rate { group: 0, rate: "inf".into() }),
            (Group::new(idle, Request::get("/")).rate(1.0), PlanError::RateAndRest { group: 0 }),
            (get().rate(1.0).pause(limit), PlanError::RateAndRest { group: 0 }),
            (get().upload_time(limit), PlanError::NothingToUpload { group: 0 }),
            (post().upload_time(limit), PlanError::UploadTime { group: 0, time: limit, limit }),
            (get().read_rate(0), PlanError::ReadRate { group: 0 }),
        ];
        for (group, error) in cases {
            assert_eq!(plan().group(group).start().unwrap_err(), error);
        }
        let sound = post().rate(10.0).read_rate(1).upload_time(limit / 2);
        assert_eq!(plan().group(sound).check(), Ok(()));
    }

    #[test]
    fn errors_say_what_to_do() {
        let text = PlanError::NoConnection { group: 1 }.to_string();
        assert_eq!(text, "start the load: group `1` has no connection; give it at least one");
    }
}
