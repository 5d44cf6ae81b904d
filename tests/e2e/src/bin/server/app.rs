//! The site as an application that the library serves. Refuses to know of connections but what
//! their requests say.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use rekindle::http::ConnectionInfo;
use tokio::time::sleep;

use crate::events::Events;
use crate::site::Site;

/// The application.
#[derive(Debug, Clone)]
struct App {
    site: Arc<Site>,
    /// How long each answer takes at least.
    delay: Duration,
}

/// The site; each answer takes `delay` at least.
pub(crate) fn app(site: Arc<Site>, delay: Duration) -> Router {
    Router::new()
        .route("/", get(who))
        .route("/slow", get(slow))
        .route("/echo", post(echo))
        .route("/events", get(events))
        .route("/whence", get(whence))
        .with_state(App { site, delay })
}

async fn who(State(app): State<App>) -> Response {
    app.who(Duration::ZERO).await
}

async fn slow(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    match number(query.as_deref(), "ms") {
        Ok(delay_ms) => app.who(Duration::from_millis(delay_ms)).await,
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}

async fn echo(State(app): State<App>, body: Bytes) -> Response {
    app.answer(body)
}

async fn whence(
    State(app): State<App>,
    Extension(connection): Extension<ConnectionInfo>,
) -> Response {
    let peer = connection.peer().map_or_else(String::new, |peer| peer.to_string());
    app.answer(format!("{} {peer}\n", connection.listener()))
}

async fn events(State(app): State<App>, RawQuery(query): RawQuery) -> Response {
    let asked = number(query.as_deref(), "count")
        .and_then(|count| Ok((count, number(query.as_deref(), "ms")?)));
    match asked {
        Ok((count, pause_ms)) => {
            let pause = Duration::from_millis(pause_ms);
            app.answer(Body::new(Events::new(app.site.name(), count, pause)))
        }
        Err(error) => (StatusCode::BAD_REQUEST, format!("{error:#}")).into_response(),
    }
}

impl App {
    async fn who(&self, delay: Duration) -> Response {
        let delay = delay + self.delay;
        if !delay.is_zero() {
            sleep(delay).await;
        }
        self.answer(format!("{}\n", self.site.name()))
    }

    fn answer(&self, body: impl IntoResponse) -> Response {
        let [pid, generation] = self.site.fields();
        ([("x-pid", pid), ("x-generation", generation)], body).into_response()
    }
}

/// The number of this name in a query like `count=3&ms=20`.
fn number(query: Option<&str>, name: &str) -> anyhow::Result<u64> {
    let pairs = query.unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let value = pairs.into_iter().find_map(|(key, value)| (key == name).then_some(value));
    let value = value.with_context(|| format!("find `{name}` in the query"))?;
    value.parse().with_context(|| format!("read `{name}`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_by_name() {
        let query = Some("count=3&ms=20");
        assert_eq!(number(query, "ms").unwrap(), 20);
        assert_eq!(number(query, "count").unwrap(), 3);
        number(query, "m").unwrap_err();
        number(Some("ms=x"), "ms").unwrap_err();
        number(None, "ms").unwrap_err();
    }
}
