//! Both drivers of our own, at the limits of what they take.

use crate::client::Client;
use crate::example::Example;

const DRIVERS: [&str; 2] = [env!("CARGO_BIN_EXE_echo_blocking"), env!("CARGO_BIN_EXE_echo_tokio")];

#[test]
fn a_client_whose_upload_is_refused_is_told_while_it_still_sends() {
    for program in DRIVERS {
        let example = Example::http(program, &[]);
        let mut client = Client::connect(example.address());
        let body = "x".repeat(2 * 1024 * 1024);
        let length = body.len();
        client.send(&format!(
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        ));
        let answer = client.answer();
        assert_eq!((answer.status, answer.says_close()), (413, true));
        client.assert_closed();
    }
}

#[test]
fn a_body_in_chunks_and_a_client_that_waits_for_100_are_served() {
    for program in DRIVERS {
        let example = Example::http(program, &[]);
        let mut client = Client::connect(example.address());
        client.send(
            "POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\
             Expect: 100-continue\r\n\r\n",
        );
        assert_eq!(client.answer().status, 100);
        client.send("3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n");
        assert_eq!(client.answer().body, "hello");
    }
}
