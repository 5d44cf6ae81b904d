//! The site: what all connections of one listener have in common.

use std::sync::Arc;

use hyper_util::rt::TokioExecutor;
use rekindle_core::Receiver;

use crate::http::connection_info::Place;
use crate::http::course::{Helm, Standing};
use crate::http::harbour::Harbour;
use crate::http::options::HttpOptions;
use crate::http::parked::Protocols;
use crate::http::pilot::{Limits, Pilot};
use crate::http::{http1, http2};
use crate::shared::Shared;

/// One listener's site.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) place: Arc<Place>,
    /// Where in the next process its connections go; none if they cannot move.
    pub(crate) receiver: Option<Receiver>,
    pub(crate) options: HttpOptions,
    pub(crate) protocols: Protocols,
    pub(crate) http1: hyper::server::conn::http1::Builder,
    pub(crate) http2: hyper::server::conn::http2::Builder<TokioExecutor>,
    #[cfg(feature = "tls")]
    pub(crate) handshakes: Option<crate::http::tls::Handshakes>,
    pub(crate) harbour: Arc<Harbour>,
}

impl Site {
    pub(crate) fn new(
        listener: &str,
        shared: &Shared,
        receiver: Option<Receiver>,
        harbour: Arc<Harbour>,
        options: HttpOptions,
    ) -> Self {
        let place = Arc::new(Place {
            listener: listener.to_owned(),
            course: harbour.subscribe(),
            tracker: shared.tracker.clone(),
            outbox: shared.outbox.clone(),
        });
        let protocols = options.protocols();
        let http1 = http1::builder(options.max_head_size);
        let http2 = http2::builder(options.max_head_size, options.max_concurrent_streams);
        Self {
            place,
            receiver,
            #[cfg(feature = "tls")]
            handshakes: options.handshakes(),
            options,
            protocols,
            http1,
            http2,
            harbour,
        }
    }

    /// A pilot for one connection.
    pub(crate) fn pilot(&self) -> Pilot {
        let helm = Helm::new(&self.harbour, Standing::Free);
        let HttpOptions { idle_timeout: idle, header_read_timeout: head, .. } = self.options;
        Pilot::new(helm, Limits { idle, head })
    }
}
