//! What the HTTP examples answer. Refuses all that is HTTP/1.1 itself: that is `http`'s.

use std::fmt;
use std::fmt::Display;
use std::io::{self, Write};
use std::time::Duration;

use rekindle::Generation;

use crate::http::{Answer, Handler, Method, Request, Status};

/// The longest pause that a client may ask for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// The site: it tells who this process is, slowly if asked to, and echoes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Site {
    pid: u32,
    generation: Generation,
}

impl Site {
    /// The site of this process.
    #[must_use]
    pub fn new(generation: Generation) -> Self {
        Self { pid: std::process::id(), generation }
    }

    /// Its process id.
    #[must_use]
    pub const fn pid(&self) -> u32 {
        self.pid
    }

    /// Its generation.
    #[must_use]
    pub const fn generation(&self) -> Generation {
        self.generation
    }

    /// Says on standard output where this process listens: with port 0, that is news. Nobody may
    /// be there to read it any more, which is no reason to stop.
    pub fn announce(&self, address: Option<impl Display>) {
        if let Some(address) = address {
            let _ = writeln!(io::stdout(), "listening on {address} ({self})");
        }
    }

    fn who(&self, pause: Duration) -> Answer {
        Answer { pause, ..Answer::of(Status::Ok, self) }
    }
}

impl Handler for Site {
    fn answer(&self, request: Request) -> Answer {
        match (request.path(), request.method) {
            ("/", Method::Get | Method::Head) => self.who(Duration::ZERO),
            ("/slow", Method::Get | Method::Head) => match pause(request.query()) {
                Some(pause) => self.who(pause),
                None => Answer::of(Status::BadRequest, "ask for /slow?ms=N, N up to 60000"),
            },
            ("/echo", Method::Post) => Answer { body: request.body, ..Answer::of(Status::Ok, "") },
            ("/" | "/slow", _) => not_allowed("GET, HEAD"),
            ("/echo", _) => not_allowed("POST"),
            _ => Answer::of(Status::NotFound, "there are /, /slow?ms=N and /echo"),
        }
    }

    /// Each answer says who gives it, an echo too.
    fn fields(&self) -> Vec<(&'static str, String)> {
        vec![("x-pid", self.pid.to_string()), ("x-generation", self.generation.to_string())]
    }
}

impl Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "pid {} generation {}", self.pid, self.generation)
    }
}

fn not_allowed(allow: &'static str) -> Answer {
    let line = format!("here you can {allow}");
    Answer { allow: Some(allow), ..Answer::of(Status::MethodNotAllowed, line) }
}

fn pause(query: Option<&str>) -> Option<Duration> {
    let pause = query?.split('&').find_map(|field| field.strip_prefix("ms="))?;
    let pause = Duration::from_millis(pause.parse().ok()?);
    (pause <= LONGEST_PAUSE).then_some(pause)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SITE: Site = Site { pid: 7, generation: Generation::new(3) };

    fn ask(method: Method, target: &str) -> Answer {
        SITE.answer(Request { method, target: target.into(), body: b"x".to_vec() })
    }

    #[test]
    fn it_says_who_it_is() {
        let answer = ask(Method::Get, "/");
        assert_eq!((answer.status, answer.pause), (Status::Ok, Duration::ZERO));
        assert_eq!(answer.body, b"pid 7 generation 3\n");
        assert_eq!(ask(Method::Head, "/?a=b"), answer);
    }

    #[test]
    fn it_pauses_as_long_as_it_is_asked_to() {
        let answer = ask(Method::Get, "/slow?a=b&ms=1500");
        assert_eq!((answer.status, answer.pause), (Status::Ok, Duration::from_millis(1_500)));
        assert_eq!(ask(Method::Get, "/slow?ms=60000").pause, LONGEST_PAUSE);
        for target in ["/slow", "/slow?ms=", "/slow?ms=-1", "/slow?ms=60001", "/slow?s=1"] {
            assert_eq!(ask(Method::Get, target).status, Status::BadRequest, "{target}");
        }
    }

    #[test]
    fn it_echoes() {
        assert_eq!(ask(Method::Post, "/echo").body, b"x");
    }

    #[test]
    fn what_is_elsewhere_is_not_found_and_what_is_otherwise_is_not_allowed() {
        for target in ["/nothing", "/echo/", "", "*"] {
            assert_eq!(ask(Method::Get, target).status, Status::NotFound, "{target}");
        }
        let wrong = [(Method::Post, "/"), (Method::Other, "/slow"), (Method::Get, "/echo")];
        for ((method, target), allow) in wrong.into_iter().zip(["GET, HEAD", "GET, HEAD", "POST"]) {
            let answer = ask(method, target);
            assert_eq!((answer.status, answer.allow), (Status::MethodNotAllowed, Some(allow)));
        }
    }
}
