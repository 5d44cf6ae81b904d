//! What the demo shall do.

use std::net::SocketAddr;

use rekindle_prove::{Group, Mode, Request, Target};

/// The body of each `POST`.
const BODY_BYTES: usize = 16 * 1024;

/// What the demo shall do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Plan {
    /// At least one.
    pub(crate) upgrades: u32,
    /// At least two.
    pub(crate) connections: usize,
    /// A loopback address, or its neighbour with another port if that one is taken.
    pub(crate) listen: SocketAddr,
}

impl Plan {
    /// The load on the server at `address`: half of the connections `GET`, half `POST`.
    pub(super) fn load(&self, address: SocketAddr) -> rekindle_prove::Plan {
        let posts = self.connections / 2;
        let gets = self.connections - posts;
        let post = Request::post("/echo", BODY_BYTES);
        rekindle_prove::Plan::new(Target::Tcp(address))
            .group(Group::new(Mode::New, Request::get("/")).connections(gets))
            .group(Group::new(Mode::New, post).connections(posts))
    }
}
