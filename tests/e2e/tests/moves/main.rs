//! Connections that the program of one generation hands over to the next, with real processes.

#![expect(clippy::unwrap_used, reason = "helpers of tests, and what fails here fails a test")]

mod client;
mod faults;
mod handed_over;

use std::time::Duration;

use rekindle_e2e::{Face, Programs, Server, Settings};

/// The binaries that these tests were built with.
const PROGRAMS: Programs = Programs {
    server: env!("CARGO_BIN_EXE_lines"),
    impostor: env!("CARGO_BIN_EXE_impostor"),
    ask: env!("CARGO_BIN_EXE_ask"),
};

/// A server of lines with these settings, which serves.
fn server(settings: &Settings) -> Server {
    Server::new(PROGRAMS, settings)
}

/// Its settings.
fn settings(face: Face) -> Settings {
    let probation = Duration::from_millis(300);
    Settings { probation, ..Settings::new(face).listeners(&[]) }
}

/// Makes one test for each face of a function that takes the face.
macro_rules! both_faces {
    ($($name:ident),+ $(,)?) => {
        $(mod $name {
            #[test]
            fn tokio() {
                super::$name(rekindle_e2e::Face::Tokio);
            }

            #[test]
            fn blocking() {
                super::$name(rekindle_e2e::Face::Blocking);
            }
        })+
    };
}
pub(crate) use both_faces;
