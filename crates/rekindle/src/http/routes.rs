//! An axum router's routes, which are given their state once and not for every request.

use std::any::Any;

use axum::Router;

/// The same program. A router that has no state was not told so yet: until then it makes a service
/// of its route anew for each request. `axum::serve` tells it, so whoever else serves it has to.
pub(crate) fn prepared<A: 'static>(mut app: A) -> A {
    if let Some(router) = (&mut app as &mut dyn Any).downcast_mut::<Router>() {
        *router = std::mem::take(router).with_state(());
    }
    app
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use axum::body::Body;
    use axum::middleware::{Next, from_fn};
    use axum::routing::get;
    use http::Request;
    use tower_service::Service;

    use super::*;

    /// Counts its clones.
    #[derive(Default)]
    struct Counting(Arc<AtomicUsize>);

    impl Clone for Counting {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, Ordering::SeqCst);
            Self(Arc::clone(&self.0))
        }
    }

    /// How often a layer is cloned for one request.
    async fn clones(prepare: impl FnOnce(Router) -> Router) -> usize {
        let counting = Counting::default();
        let clones = Arc::clone(&counting.0);
        let layer = from_fn(move |request: Request<Body>, next: Next| {
            let _counted = &counting;
            next.run(request)
        });
        let mut router = prepare(Router::new().route("/", get(async || "here")).layer(layer));
        let before = clones.load(Ordering::SeqCst);
        let response = router.call(Request::new(Body::empty())).await.unwrap();
        assert!(response.status().is_success());
        clones.load(Ordering::SeqCst) - before
    }

    #[tokio::test]
    async fn a_route_is_not_made_anew_for_a_request() {
        let as_axum_serves_it = clones(|router| router.with_state(())).await;
        assert_eq!(clones(prepared).await, as_axum_serves_it);
        assert!(clones(|router| router).await > as_axum_serves_it);
    }

    #[test]
    fn any_other_program_is_left_alone() {
        assert_eq!(prepared("program"), "program");
    }
}
