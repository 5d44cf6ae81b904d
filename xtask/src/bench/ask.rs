//! One request of one client, and who answered it.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result};

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Asks over a connection of its own. Returns the process id in the answer.
///
/// # Errors
///
/// If anything goes wrong: nothing is tried twice.
pub(crate) fn ask(address: SocketAddr) -> Result<u32> {
    let answer = exchange(address).with_context(|| format!("get an answer of {address}"))?;
    answering_pid(&answer).with_context(|| format!("find a pid in the answer `{answer}`"))
}

fn exchange(address: SocketAddr) -> std::io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

/// The process id in the body `pid N generation G`.
fn answering_pid(answer: &str) -> Option<u32> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let mut words = body.split_whitespace();
    let is_ours = head.starts_with("HTTP/1.1 200 ") && words.next()? == "pid";
    words.next().filter(|_| is_ours)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// Asks a server that answers one client like this.
    fn answer_with(answer: &'static str) -> Result<u32> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        });
        let asked = ask(address);
        server.join().unwrap();
        asked
    }

    #[test]
    fn the_process_that_answers_is_known() {
        let pid = answer_with("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npid 17 generation 3\n");
        assert_eq!(pid.unwrap(), 17);
    }

    #[test]
    fn another_answer_is_an_error() {
        for answer in [
            "",
            "HTTP/1.1 200 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\n\r\npid one",
            "HTTP/1.1 503 Service Unavailable\r\n\r\npid 17 generation 3\n",
        ] {
            assert!(answer_with(answer).is_err(), "{answer:?}");
        }
    }

    #[test]
    fn a_closed_port_is_an_error_that_names_it() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = ask(address).unwrap_err().to_string();
        assert!(error.contains(&address.to_string()), "{error}");
    }
}
