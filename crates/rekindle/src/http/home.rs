//! The home of one listener's sessions: its site, the application, and where their tasks run. From
//! it a session begins, for a connection that comes back as for a new one.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::runtime::Handle;

use crate::http::site::Site;

/// The home of one listener's sessions.
#[derive(Debug)]
pub(crate) struct Home<A> {
    pub(crate) site: Arc<Site>,
    /// Locked so that an application need not be shared: it is only cloned.
    app: Mutex<A>,
    pub(crate) runtime: Handle,
}

impl<A: Clone> Home<A> {
    /// To be called in the runtime that it is in.
    pub(crate) fn new(site: Arc<Site>, app: A) -> Arc<Self> {
        Arc::new(Self { site, app: Mutex::new(app), runtime: Handle::current() })
    }

    pub(crate) fn app(&self) -> A {
        self.app.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
