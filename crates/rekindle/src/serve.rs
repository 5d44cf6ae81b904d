//! The whole life of an HTTP server in one call.

use http::{Request, Response};
use http_body::Body;
use rekindle_core::NewFailure;
use tower_service::Service as TowerService;

use crate::http::RequestBody;
use crate::inventory::ListenError;
use crate::report::Report;
use crate::service::Service;
use crate::start::StartError;

/// Serves `app` on `address`, and replaces this process by its next version on `SIGHUP`: no client
/// notices. It returns when this process is finished: a next version has taken over, or it was
/// stopped, and all that was in flight is done.
///
/// It is what [`Service`] does with every default, one TCP listener named `http`, and
/// [`Service::serve`]. To be called first thing in `main`; see [`crate::Builder::start`].
///
/// ```no_run
/// use axum::{Router, routing::get};
///
/// #[tokio::main]
/// async fn main() -> Result<(), rekindle::ServeError> {
///     let app = Router::new().route("/", get(|| async { "hello\n" }));
///     let report = rekindle::serve("0.0.0.0:8888", app).await?;
///     std::process::exit(i32::from(report.cut > 0));
/// }
/// ```
///
/// # Errors
///
/// [`ServeError`], all of them before this process serves. An old process serves on.
pub async fn serve<A, B>(address: &str, app: A) -> Result<Report, ServeError>
where
    A: TowerService<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    A::Future: Send,
    A::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let mut service = Service::builder().start()?;
    let listener = match service.tcp("http", address) {
        Ok(listener) => listener,
        Err(error) => {
            service.fail(&error);
            return Err(error.into());
        }
    };
    service.serve(listener, app);
    Ok(service.ready().await?.drained().await)
}

/// Why a server cannot serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The service cannot be started.
    #[error("start the service")]
    Start(#[from] StartError),
    /// The listener cannot be had.
    #[error("listen")]
    Listen(#[from] ListenError),
    /// The old process does not let this one take over.
    #[error("take over")]
    Ready(#[from] NewFailure),
}
