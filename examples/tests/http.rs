//! The HTTP/1.1 machine as its drivers see it: bytes in, steps out.

use std::time::Duration;

use proptest::prelude::*;
use rekindle::Generation;
use rekindle_examples::Site;
use rekindle_examples::http::{BODY_LIMIT_BYTES, Conversation, HEAD_LIMIT_BYTES, Step};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn site() -> Site {
    Site::new(Generation::new(3))
}

fn who() -> String {
    format!("{}\n", site())
}

fn conversation() -> Conversation<Site> {
    Conversation::new(site())
}

/// Carries out all steps up to the next read or the close, and joins what is written.
fn run(conversation: &mut Conversation<Site>, goodbye: bool) -> (String, Step) {
    let mut written = Vec::new();
    loop {
        match conversation.step(goodbye) {
            Step::Write(bytes) => written.extend_from_slice(&bytes),
            Step::Pause(_) => {}
            step => return (String::from_utf8(written).expect("what is written is text"), step),
        }
    }
}

/// What is answered to these bytes, and whether the connection is kept.
fn answers(bytes: &str, goodbye: bool) -> (String, Step) {
    let mut conversation = conversation();
    conversation.receive(bytes.as_bytes());
    run(&mut conversation, goodbye)
}

fn status_line(answer: &str) -> &str {
    answer.lines().next().unwrap_or_default()
}

fn body(answer: &str) -> &str {
    answer.split_once("\r\n\r\n").expect("the head is whole").1
}

fn says_close(answer: &str) -> bool {
    answer.contains("\r\nconnection: close\r\n")
}

#[test]
fn an_answer_is_framed_and_says_who_gives_it() {
    let (answer, step) = answers(GET, false);
    let expected = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n\
         x-pid: {}\r\nx-generation: 3\r\n\r\n{}",
        who().len(),
        std::process::id(),
        who(),
    );
    assert_eq!((answer, step), (expected, Step::Read));
}

#[test]
fn head_is_get_without_the_body() {
    let (get, _) = answers(GET, false);
    let (head, step) = answers(&GET.replace("GET", "HEAD"), false);
    assert_eq!((head.as_str(), step), (get.strip_suffix(&who()).unwrap(), Step::Read));
}

#[test]
fn a_connection_is_kept_as_the_client_wants_it() {
    let closes = GET.replace("Host", "Connection: close\r\nHost");
    let (answer, step) = answers(&closes, false);
    assert!(says_close(&answer) && step == Step::Close, "{answer}");
    let (answer, step) = answers("GET / HTTP/1.0\r\n\r\n", false);
    assert!(says_close(&answer) && step == Step::Close, "{answer}");
    let (answer, step) = answers("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", false);
    assert!(answer.contains("\r\nconnection: keep-alive\r\n") && step == Step::Read, "{answer}");
}

#[test]
fn requests_that_come_together_are_answered_in_order() {
    let echo = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let (answer, step) = answers(&format!("\r\n{GET}{echo}{GET}"), false);
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
    let (echo, last) = (answer.find("\r\n\r\nhelloHTTP"), answer.rfind(&who()));
    assert!(echo.is_some() && echo < last, "{answer}");
    assert_eq!(step, Step::Read);
}

#[test]
fn a_goodbye_is_said_with_the_next_answer_and_not_without_one() {
    let mut conversation = conversation();
    assert_eq!(run(&mut conversation, true), (String::new(), Step::Read), "a fresh connection");
    conversation.receive(GET.as_bytes());
    let (answer, step) = run(&mut conversation, true);
    assert!(says_close(&answer) && body(&answer) == who(), "{answer}");
    assert_eq!(step, Step::Close);
    conversation.receive(GET.as_bytes());
    assert_eq!(run(&mut conversation, false), (String::new(), Step::Close), "it stays over");
}

#[test]
fn a_goodbye_that_is_not_due_any_more_is_not_said() {
    let mut conversation = conversation();
    conversation.step(true);
    conversation.receive(GET.as_bytes());
    let (answer, step) = run(&mut conversation, false);
    assert!(!says_close(&answer) && step == Step::Read, "{answer}");
}

#[test]
fn what_was_pipelined_is_answered_before_the_goodbye() {
    let (half, rest) = GET.split_at(9);
    let mut conversation = conversation();
    conversation.receive(format!("{GET}{half}").as_bytes());
    let (first, step) = run(&mut conversation, true);
    assert!(!says_close(&first) && step == Step::Read, "{first}");
    conversation.receive(rest.as_bytes());
    let (last, step) = run(&mut conversation, true);
    assert!(says_close(&last) && step == Step::Close, "{last}");
}

#[test]
fn a_goodbye_that_falls_due_in_a_pause_is_said_with_the_answer_behind_it() {
    let mut conversation = conversation();
    conversation.receive(GET.replace("/ ", "/slow?ms=40 ").as_bytes());
    assert_eq!(conversation.step(false), Step::Pause(Duration::from_millis(40)));
    let Step::Write(answer) = conversation.step(true) else { panic!("the pause is over") };
    assert!(says_close(std::str::from_utf8(&answer).unwrap()));
    assert_eq!(conversation.step(true), Step::Close);
}

#[test]
fn a_client_that_waits_for_100_gets_it_and_another_does_not() {
    let head =
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    let mut waiting = conversation();
    waiting.receive(head.as_bytes());
    let continued = ("HTTP/1.1 100 Continue\r\n\r\n".to_owned(), Step::Read);
    assert_eq!(run(&mut waiting, true), continued, "no goodbye in between");
    waiting.receive(b"hello");
    let (answer, _) = run(&mut waiting, false);
    assert_eq!((status_line(&answer), body(&answer)), ("HTTP/1.1 200 OK", "hello"));
    let (answer, _) = answers(&format!("{head}hello"), false);
    assert_eq!((status_line(&answer), body(&answer)), ("HTTP/1.1 200 OK", "hello"));
}

#[test]
fn what_the_site_refuses_leaves_the_connection_as_it_is() {
    let cases = [
        ("GET /nothing", "HTTP/1.1 404 Not Found", ""),
        ("DELETE /", "HTTP/1.1 405 Method Not Allowed", "\r\nallow: GET, HEAD\r\n"),
        ("GET /echo", "HTTP/1.1 405 Method Not Allowed", "\r\nallow: POST\r\n"),
        ("GET /slow?ms=x", "HTTP/1.1 400 Bad Request", ""),
    ];
    for (request, status, field) in cases {
        let (answer, step) = answers(&format!("{request} HTTP/1.1\r\nHost: a\r\n\r\n"), false);
        assert_eq!((status_line(&answer), step), (status, Step::Read), "{request}");
        assert!(answer.contains(field) && !says_close(&answer), "{answer}");
    }
}

#[test]
fn what_is_no_request_is_refused_and_ends_the_connection() {
    let post = "POST /echo HTTP/1.1\r\nHost: a\r\n";
    let cases = [
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), "400 Bad Request"),
        ("nonsense\r\n\r\n".to_owned(), "400 Bad Request"),
        (format!("{post}\r\n"), "411 Length Required"),
        (
            format!("{post}Content-Length: {}\r\n\r\n", BODY_LIMIT_BYTES + 1),
            "413 Content Too Large",
        ),
        (format!("{post}Content-Length: 1\r\nExpect: x\r\n\r\n"), "417 Expectation Failed"),
        (format!("{post}Transfer-Encoding: gzip\r\n\r\n"), "501 Not Implemented"),
        (format!("{post}Transfer-Encoding: chunked\r\n\r\nx\r\n"), "400 Bad Request"),
        ("GET / HTTP/3.0\r\n\r\n".to_owned(), "505 HTTP Version Not Supported"),
        (
            format!("GET / HTTP/1.1\r\nA: {}", "a".repeat(HEAD_LIMIT_BYTES)),
            "431 Request Header Fields Too Large",
        ),
    ];
    for (request, status) in cases {
        // What follows must not be taken for a request: it may be the body of the one before.
        let (answer, step) = answers(&format!("{request}{GET}"), false);
        assert_eq!(status_line(&answer), format!("HTTP/1.1 {status}"), "{request}");
        assert!(says_close(&answer) && body(&answer).len() > 10, "{answer}");
        assert_eq!((answer.matches("HTTP/1.1 ").count(), step), (1, Step::Close), "{answer}");
    }
}

#[test]
fn a_silent_client_is_left_and_one_that_owes_a_request_is_told() {
    let mut idle = conversation();
    idle.receive(GET.as_bytes());
    run(&mut idle, false);
    idle.time_out();
    assert_eq!(run(&mut idle, false), (String::new(), Step::Close));
    let half_a_body = "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe";
    for begun in [&GET[..9], half_a_body] {
        let mut owing = conversation();
        owing.receive(begun.as_bytes());
        assert_eq!(run(&mut owing, false).1, Step::Read);
        owing.time_out();
        let (answer, step) = run(&mut owing, false);
        assert_eq!(status_line(&answer), "HTTP/1.1 408 Request Timeout");
        assert!(says_close(&answer) && step == Step::Close, "{answer}");
    }
}

proptest! {
    #[test]
    fn the_answers_are_the_same_however_the_bytes_come(
        bodies in prop::collection::vec("[a-z]{0,20}", 1..4),
        cuts in prop::collection::vec(1_usize..60, 1..8),
    ) {
        let wire: String = bodies
            .iter()
            .map(|body| {
                let head = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
                let chunk = if body.is_empty() { String::new() } else {
                    format!("{:x}\r\n{body}\r\n", body.len())
                };
                format!("{head}{chunk}0\r\n\r\n{GET}")
            })
            .collect();
        let (expected, _) = answers(&wire, false);
        prop_assert_eq!(expected.matches("HTTP/1.1 200 OK").count(), bodies.len() * 2);
        let (mut conversation, mut bytes) = (conversation(), wire.as_bytes());
        let (mut written, mut cuts) = (String::new(), cuts.iter().cycle());
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(*cuts.next().unwrap()));
            conversation.receive(now);
            written += &run(&mut conversation, false).0;
            bytes = later;
        }
        prop_assert_eq!(written, expected);
    }

    #[test]
    fn whatever_comes_is_answered_within_bounds(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
    ) {
        let mut conversation = conversation();
        conversation.receive(&bytes);
        let (_, step) = run(&mut conversation, false);
        prop_assert!(matches!(step, Step::Read | Step::Close));
    }
}
