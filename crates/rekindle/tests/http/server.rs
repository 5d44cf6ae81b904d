//! A server under test.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::routing::{get, post};
use rekindle::http::HttpOptions;
use rekindle::{Running, Service};
use tokio::sync::Semaphore;

/// Long enough to be no matter on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A server on a stub, and a gate in one of its handlers.
pub(crate) struct Server {
    pub(crate) running: Running,
    pub(crate) address: SocketAddr,
    /// `/gated` answers once for each permit.
    pub(crate) gate: Arc<Semaphore>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(HttpOptions::new()).await
    }

    pub(crate) async fn with(options: HttpOptions) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        Self::serving(app(&gate), options, gate).await
    }

    pub(crate) async fn of(app: Router) -> Self {
        Self::of_with(app, HttpOptions::new()).await
    }

    pub(crate) async fn of_with(app: Router, options: HttpOptions) -> Self {
        Self::serving(app, options, Arc::new(Semaphore::new(0))).await
    }

    pub(crate) async fn serving(app: Router, options: HttpOptions, gate: Arc<Semaphore>) -> Self {
        let mut service = stub();
        let listener = service.tcp("web", "127.0.0.1:0").expect("it is bound");
        let address = listener.local_addr().expect("it has an address");
        service.serve_with(listener, app, options);
        let running = service.ready().await.expect("a stub is ready");
        Self { running, address, gate }
    }
}

pub(crate) fn stub() -> Service {
    Service::builder().stub().drain_timeout(PATIENCE).start().expect("a stub starts")
}

fn app(gate: &Arc<Semaphore>) -> Router {
    let gate = Arc::clone(gate);
    let gated = async move || {
        gate.acquire().await.expect("it is never closed").forget();
        "gated"
    };
    Router::new()
        .route("/", get(async || "hello"))
        .route("/echo", post(async |body: Bytes| body))
        .route("/unread", post(async || "not read"))
        .route("/gated", get(gated))
        .route("/panic", get(panics))
}

async fn panics() {
    panic!("expected by the test")
}
