//! A request as the fault server reads it, and the answer that it should get. Refuses what the
//! strict client does not send.

use std::time::Duration;

use crate::fault::Twist;

/// A whole request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) path: String,
    /// None for a GET.
    body: Option<Vec<u8>>,
    pub(super) wants_close: bool,
    /// How long the answer takes, by itself.
    pub(super) pause: Duration,
}

/// How much of a request has come.
#[derive(Debug)]
pub(super) enum Parsed {
    /// No head yet.
    Nothing,
    /// A head, for this path.
    Part {
        path: String,
    },
    Whole(Request),
}

impl Request {
    /// Takes the next request out of what has come, if it is whole.
    pub(super) fn parse(input: &mut Vec<u8>) -> Parsed {
        let Some(head_bytes) = input.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Parsed::Nothing;
        };
        let head_bytes = head_bytes + 4;
        let head = std::str::from_utf8(&input[..head_bytes]).expect("heads are ASCII");
        let target = head.split(' ').nth(1).expect("a request has a target");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (path, wants_close) = (path.to_owned(), head.contains("\r\nconnection: close\r\n"));
        let pause_ms = query.strip_prefix("ms=").map_or(0, |ms| ms.parse().unwrap());
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: Option<usize> = length.map(|length| length.parse().unwrap());
        let whole_bytes = head_bytes + length.unwrap_or(0);
        if input.len() < whole_bytes {
            return Parsed::Part { path };
        }
        let rest = input.split_off(whole_bytes);
        let mut whole = std::mem::replace(input, rest);
        let body = length.map(|_| whole.split_off(head_bytes));
        let pause = Duration::from_millis(pause_ms);
        Parsed::Whole(Self { path, body, wants_close, pause })
    }

    /// Whether its answer can be twisted so, and the client would see it.
    pub(super) const fn suits(&self, twist: Twist) -> bool {
        match twist {
            Twist::OtherEcho => self.body.is_some(),
            Twist::Goodbye => !self.wants_close,
            Twist::Half | Twist::Unavailable | Twist::Garbage | Twist::Late(_) | Twist::Never => {
                true
            }
        }
    }

    /// The bytes of the answer, with its twist. It comes from the process of this generation.
    pub(super) fn answer(&self, generation: u32, twist: Option<Twist>) -> Vec<u8> {
        let pid = PID_BASE + generation;
        let mut body = match &self.body {
            Some(body) => body.clone(),
            None => format!("pid {pid} generation {generation}\n").into_bytes(),
        };
        let (mut status, mut connection) = ("200 OK", "keep-alive");
        match twist {
            Some(Twist::Garbage) => return b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(),
            Some(Twist::Unavailable) => status = "503 Service Unavailable",
            Some(Twist::OtherEcho) => {
                let last = body.last_mut().expect("bodies are not empty");
                *last = !*last;
            }
            Some(Twist::Goodbye) => connection = "close",
            Some(Twist::Half | Twist::Late(_) | Twist::Never) | None => {}
        }
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: {connection}\r\nx-pid: {pid}\r\n\
             x-generation: {generation}\r\ncontent-length: {length}\r\n\r\n"
        );
        let mut wire = [head.as_bytes(), &body].concat();
        if twist == Some(Twist::Half) {
            wire.truncate(wire.len() / 2);
        }
        wire
    }
}

/// The processes call themselves by this and their generation; it is above what Linux gives out.
const PID_BASE: u32 = 5_000_000;
