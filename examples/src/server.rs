//! What a server of the site is made of. Refuses to serve: `threads` and `tasks` do.

use std::time::Duration;

use crate::goodbye::Goodbye;
use crate::site::Site;

/// A server of the site, in whichever way. Clones are the same server.
#[derive(Debug, Clone)]
pub struct Server {
    /// What it answers.
    pub site: Site,
    /// Whether it says goodbye with what it answers.
    pub goodbye: Goodbye,
    /// How long a client may be silent, or take nothing, before it is left. Not zero.
    pub read_timeout: Duration,
}
