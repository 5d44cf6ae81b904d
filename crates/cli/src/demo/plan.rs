//! What the demo shall do.

use std::net::SocketAddr;
use std::time::Duration;

use rekindle_prove::{Group, Mode, Request, Target};

/// The body of each `POST`.
const BODY_BYTES: usize = 16 * 1024;
/// How long the mostly idle clients think between two requests, in the mean.
const MEAN_THINK: Duration = Duration::from_millis(100);

/// What the demo shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// At least one.
    pub(crate) upgrades: u32,
    /// At least five.
    pub(crate) connections: usize,
    /// A loopback address, or its neighbour with another port if that one is taken.
    pub(crate) listen: SocketAddr,
}

impl Plan {
    /// The load on the server at `address`: a fifth of the connections for each way to use one.
    pub(super) fn load(&self, address: SocketAddr) -> rekindle_prove::Plan {
        let (get, post) = (Request::get("/"), Request::post("/echo", BODY_BYTES));
        let groups = [
            Group::new(Mode::New, get.clone()),
            Group::new(Mode::New, post.clone()),
            Group::new(Mode::Keep, get.clone()),
            Group::new(Mode::Keep, post),
            Group::new(Mode::Idle { mean_think: MEAN_THINK }, get),
        ];
        let count = groups.len();
        let shares = (0..count).map(|position| (self.connections + position) / count);
        groups
            .into_iter()
            .zip(shares)
            .fold(rekindle_prove::Plan::new(Target::Tcp(address)), |plan, (group, share)| {
                plan.group(group.connections(share))
            })
    }
}
