//! What the tests of connections need: a site without a process around it, and polling by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use rekindle_core::{Generation, Receiver, Text};
use rekindle_unix::Bell;
use tokio::task::unconstrained;

use crate::http::capacity::Capacity;
use crate::http::connection_info::{ConnectionInfo, Origin};
use crate::http::harbour::Harbour;
use crate::http::options::HttpOptions;
use crate::http::permits::Permits;
use crate::http::site::Site;
use crate::http::wire::Stay;
use crate::shared::Shared;

/// One process, as far as a connection sees it.
pub(crate) struct Process {
    pub(crate) shared: Shared,
    pub(crate) harbour: Arc<Harbour>,
    pub(crate) site: Arc<Site>,
}

impl Process {
    pub(crate) fn new() -> Self {
        Self::with(HttpOptions::new())
    }

    pub(crate) fn with(options: HttpOptions) -> Self {
        let shared = Shared::new(Generation::FIRST, None, Bell::new().unwrap());
        let harbour = Harbour::new(Permits::new(), shared.tracker.clone());
        let receiver = Receiver { name: "web".parse().unwrap(), protocol: Text::from("http/1.1") };
        let site = Site::new("web", &shared, Some(receiver), Arc::clone(&harbour), options);
        Self { shared, harbour, site: Arc::new(site) }
    }

    pub(crate) fn stay(&self) -> Stay {
        Stay {
            info: ConnectionInfo::new(&self.site.place, None, Origin::Accepted),
            guard: self.shared.tracker.guard(),
            seat: Capacity::new(None).seat(),
        }
    }
}

#[derive(Default)]
struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Polls until there is nothing more to do for now.
pub(crate) fn settle<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    let flag = Arc::new(Flag::default());
    let waker = Waker::from(Arc::clone(&flag));
    let mut context = Context::from_waker(&waker);
    loop {
        let polled = Pin::new(&mut unconstrained(future.as_mut())).poll(&mut context);
        if polled.is_ready() || !flag.0.swap(false, Ordering::SeqCst) {
            return polled;
        }
    }
}
