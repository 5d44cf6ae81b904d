//! The scenarios that must hold, with real processes. Each test is named after its row in the
//! table of scenarios; the files are by purpose.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod bad_next_version;
mod deaths;
mod drains;
mod in_flight;
mod leaks;
mod limits;
mod listeners;
mod operators;
mod pid_files;
mod programs;
mod service_manager;
mod under_load;

use rekindle_e2e::{Programs, Server, Settings};

/// The binaries that these tests were built with.
const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_server"),
    impostor: env!("CARGO_BIN_EXE_impostor"),
    ask: env!("CARGO_BIN_EXE_ask"),
};

/// A server with these settings, which serves.
fn server(settings: &Settings) -> Server {
    Server::new(PROGRAMS, settings)
}

/// Makes one test for each face of a function that takes the face.
macro_rules! each_face {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            $crate::face!($name, tokio, Tokio);
            $crate::face!($name, blocking, Blocking);
            $crate::face!($name, serve, Serve);
        })+
    };
}

/// [`each_face!`], for what only programs show that speak HTTP by their own hand.
macro_rules! by_hand {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            $crate::face!($name, tokio, Tokio);
            $crate::face!($name, blocking, Blocking);
        })+
    };
}

/// Makes the test for one face.
macro_rules! face {
    ($name:ident, $test:ident, $face:ident) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $test() {
            super::$name(rekindle_e2e::Face::$face).await;
        }
    };
}
pub(crate) use {by_hand, each_face, face};
