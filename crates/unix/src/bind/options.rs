//! `BindOptions`: what can be chosen about a listener beside its address. It refuses to offer what
//! an upgrade relies on: close-on-exec, non-blocking and `IPV6_V6ONLY` are always set.

/// What can be chosen about a listener beside its address.
///
/// ```
/// use rekindle_unix::BindOptions;
///
/// let options = BindOptions::new().backlog(1024).unix_mode(0o660);
/// # let _ = options;
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BindOptions {
    pub(super) backlog: Option<u32>,
    pub(super) reuse_port: bool,
    pub(super) unix_mode: Option<u32>,
}

impl BindOptions {
    /// The longest backlog that the system allows, no shared port, the umask's mode.
    #[must_use]
    pub const fn new() -> Self {
        Self { backlog: None, reuse_port: false, unix_mode: None }
    }

    /// How many connections may wait to be accepted; the system caps it at
    /// `/proc/sys/net/core/somaxconn`, which also is the default.
    #[must_use]
    pub const fn backlog(mut self, connections: u32) -> Self {
        self.backlog = Some(connections);
        self
    }

    /// Sets `SO_REUSEPORT`, so that sockets of this user can share the address, and the system
    /// spreads connections over them (see `socket(7)`). Unix sockets cannot; there it is ignored.
    #[must_use]
    pub const fn reuse_port(mut self, reuse: bool) -> Self {
        self.reuse_port = reuse;
        self
    }

    /// The permissions of a Unix socket's file, such as `0o660`; only the lower nine bits count.
    ///
    /// They are exact whatever the umask is, and the file is at no time open to more than these.
    /// Without it the umask decides. Abstract names have no permissions.
    #[must_use]
    pub const fn unix_mode(mut self, mode: u32) -> Self {
        self.unix_mode = Some(mode);
        self
    }
}
