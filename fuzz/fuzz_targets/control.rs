//! Lines on the control socket, in both directions: nothing panics, and what is understood comes
//! back as it went.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rekindle::control::{Reply, Request};

fuzz_target!(|line: &[u8]| {
    if let Ok(request) = Request::from_line(line) {
        let again = Request::from_line(request.to_line().as_bytes());
        assert_eq!(again.expect("it was one"), request);
    }
    if let Ok(reply) = Reply::from_line(line) {
        let again = Reply::from_line(reply.to_line().as_bytes());
        assert_eq!(again.expect("it was one"), reply);
    }
});
