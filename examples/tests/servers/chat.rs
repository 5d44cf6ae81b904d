//! The chat: its clients stay connected, and hear every message of their room once and in order.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Bytes;
use rustix::process::Signal;
use serde::Deserialize;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};

use crate::example::Example;
use crate::process::DEADLINE;

const CHAT: &str = env!("CARGO_BIN_EXE_chat");

const UPGRADES: u64 = 10;
const ROOMS: usize = 5;
const MEMBERS: usize = 10;

/// The last thing that each member says.
const BYE: &str = "bye";

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Heard {
    number: u64,
    generation: u64,
    from: String,
    said: Said,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct Said {
    number: u64,
    text: String,
}

/// A client on one connection, which it never opens again.
#[derive(Debug)]
struct Client {
    name: String,
    socket: WebSocketStream<TcpStream>,
    said: u64,
}

impl Client {
    async fn come_in(address: SocketAddr, room: &str, name: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let url = format!("ws://{address}/room/{room}?name={name}");
        let (socket, _answer) = client_async(url, stream).await.unwrap();
        Self { name: name.to_owned(), socket, said: 0 }
    }

    /// The next thing to say, in words that no two messages share.
    fn words(&mut self, text: &str) -> String {
        self.said += 1;
        format!(r#"{{"number": {}, "text": "{text}"}}"#, self.said)
    }

    /// Says something: now in one piece, now with pings before it, now in two pieces.
    async fn say(&mut self, text: &str) {
        let words = self.words(text);
        match self.said % 3 {
            0 => self.socket.send(Message::text(words)).await.unwrap(),
            1 => {
                // So short that the server reads a part of what follows with them.
                for _ in 0..2 {
                    self.socket.feed(Message::Ping(Bytes::new())).await.unwrap();
                }
                self.socket.send(Message::text(words)).await.unwrap();
            }
            _ => {
                let (one, two) = words.split_at(words.len() / 2);
                let one = Frame::message(one.to_owned(), OpCode::Data(Data::Text), false);
                let two = Frame::message(two.to_owned(), OpCode::Data(Data::Continue), true);
                self.socket.send(Message::Frame(one)).await.unwrap();
                tokio::task::yield_now().await;
                self.socket.send(Message::Frame(two)).await.unwrap();
            }
        }
    }

    /// Hears the next message of the room.
    async fn hear(&mut self) -> Heard {
        loop {
            let next = timeout(DEADLINE, self.socket.next()).await.expect("a message");
            match next.expect("the connection stays").unwrap() {
                Message::Text(text) => return serde_json::from_str(&text).unwrap(),
                Message::Pong(_) => {}
                other => panic!("{}: {other:?}", self.name),
            }
        }
    }

    /// Talks all the time until it is to stop, and hears the rest: all that it heard. Between two
    /// messages of its own it waits until the first has come back.
    async fn talk(mut self, generation: watch::Sender<u64>, stop: watch::Receiver<bool>) -> Talk {
        let mut heard = Vec::new();
        let mut byes = 0;
        self.say("hello").await;
        while byes < MEMBERS {
            let message = self.hear().await;
            byes += usize::from(message.said.text == BYE);
            let is_own = message.from == self.name && message.said.text != BYE;
            generation.send_replace(message.generation);
            heard.push(message);
            if is_own {
                let text = if *stop.borrow() { BYE } else { "hello again" };
                self.say(text).await;
            }
        }
        self.socket.close(None).await.unwrap();
        Talk { name: self.name, said: self.said, heard }
    }
}

/// What a client said and heard.
#[derive(Debug)]
struct Talk {
    name: String,
    said: u64,
    heard: Vec<Heard>,
}

impl Talk {
    /// All of its room from its coming on, in order, and all that it said itself.
    fn assert_whole(&self) {
        let numbers: Vec<u64> = self.heard.iter().map(|it| it.number).collect();
        let all: Vec<u64> = (numbers[0]..).take(numbers.len()).collect();
        assert_eq!(numbers, all, "{}", self.name);
        let mut senders: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for Heard { from, said, .. } in &self.heard {
            senders.entry(from).or_default().push(said.number);
        }
        for (from, numbers) in &senders {
            let all: Vec<u64> = (numbers[0]..).take(numbers.len()).collect();
            assert_eq!(*numbers, all, "{} heard {from}", self.name);
        }
        assert_eq!(senders[self.name.as_str()], (1..=self.said).collect::<Vec<_>>());
    }
}

#[test]
fn nobody_is_disconnected_and_every_message_is_heard_once_and_in_order() {
    let mut example = Example::http(CHAT, &[]);
    let runtime = Runtime::new().unwrap();
    let stop = watch::Sender::new(false);
    let mut talks = JoinSet::new();
    let mut generations = Vec::new();
    for (room, member) in (0..ROOMS).flat_map(|room| (0..MEMBERS).map(move |it| (room, it))) {
        let (address, name) = (example.address(), format!("{room}-{member}"));
        let (generation, stop) = (watch::Sender::new(0), stop.subscribe());
        generations.push(generation.subscribe());
        let client = runtime.block_on(Client::come_in(address, &room.to_string(), &name));
        let talk = async move { (room, client.talk(generation, stop).await) };
        talks.spawn_on(talk, runtime.handle());
    }
    for generation in 1..=UPGRADES + 1 {
        for heard in &mut generations {
            let arrived = heard.wait_for(|&heard| heard == generation);
            runtime.block_on(async { timeout(DEADLINE, arrived).await.unwrap().unwrap() });
        }
        if generation <= UPGRADES {
            example.upgrade();
        }
    }
    stop.send_replace(true);
    let mut rooms: BTreeMap<usize, BTreeMap<u64, Heard>> = BTreeMap::new();
    for (room, talk) in runtime.block_on(talks.join_all()) {
        talk.assert_whole();
        for heard in talk.heard {
            let same = rooms.entry(room).or_default().entry(heard.number).or_insert(heard.clone());
            assert_eq!(*same, heard, "all hear the same");
        }
    }
    for heard in rooms.values() {
        let generations: BTreeSet<u64> = heard.values().map(|it| it.generation).collect();
        assert_eq!(generations, (1..=UPGRADES + 1).collect());
        assert!(heard.values().is_sorted_by_key(|it| it.generation));
    }
}

#[test]
fn upgrades_may_follow_each_other_at_once() {
    let mut example = Example::http(CHAT, &[]);
    let runtime = Runtime::new().unwrap();
    let stop = watch::Sender::new(false);
    let mut talks = JoinSet::new();
    for member in 0..MEMBERS {
        let name = member.to_string();
        let client = runtime.block_on(Client::come_in(example.address(), "garden", &name));
        talks.spawn_on(client.talk(watch::Sender::new(0), stop.subscribe()), runtime.handle());
    }
    for _ in 0..UPGRADES {
        example.upgrade();
    }
    stop.send_replace(true);
    for talk in runtime.block_on(talks.join_all()) {
        talk.assert_whole();
    }
}

/// Waits until the newest process, which accepts already, numbers too: then no older one does.
async fn assert_numbers(address: SocketAddr, generation: u64) {
    let mut client = Client::come_in(address, "kitchen", "bob").await;
    client.say("hello").await;
    assert_eq!(client.hear().await.generation, generation);
}

/// A frame as clients send it: the mask leaves what it covers as it is, since it is zero.
fn masked(frame: Frame) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame.format(&mut bytes).unwrap();
    bytes[1] |= 0x80;
    bytes.splice(2..2, [0; 4]);
    bytes
}

/// A message of which half has arrived is the old process's to read; then its member moves, and
/// the new process numbers it.
#[test]
fn half_a_message_is_said_after_the_upgrade() {
    let mut example = Example::http(CHAT, &[]);
    let runtime = Runtime::new().unwrap();
    let mut client = runtime.block_on(Client::come_in(example.address(), "garden", "ann"));
    runtime.block_on(async {
        client.say("hello").await;
        assert_eq!(client.hear().await.generation, 1);
    });
    let words = client.words("hello again");
    let message = masked(Frame::message(words, OpCode::Data(Data::Text), true));
    let (one, two) = message.split_at(message.len() / 2);
    runtime.block_on(client.socket.get_mut().write_all(one)).unwrap();
    example.upgrade();
    runtime.block_on(assert_numbers(example.address(), 2));
    runtime.block_on(client.socket.get_mut().write_all(two)).unwrap();
    let heard = runtime.block_on(client.hear());
    assert_eq!((heard.number, heard.generation, heard.said.number), (2, 2, 2));
}

/// The beginning of a head that came with the frame before it is read, and goes along.
#[test]
fn half_a_head_goes_along() {
    let mut example = Example::http(CHAT, &["--probation", "100ms"]);
    let runtime = Runtime::new().unwrap();
    let mut client = runtime.block_on(Client::come_in(example.address(), "garden", "ann"));
    let words = client.words("hello");
    let message = masked(Frame::message(words, OpCode::Data(Data::Text), true));
    let ping = masked(Frame::ping(Bytes::new()));
    let (half, rest) = message.split_at(3);
    runtime.block_on(async {
        client.socket.get_mut().write_all(&[&ping, half].concat()).await.unwrap();
        let pong = timeout(DEADLINE, client.socket.next()).await.unwrap().unwrap().unwrap();
        assert!(pong.is_pong(), "{pong:?}");
    });
    example.upgrade();
    assert_eq!(example.generation(1).exit_status(), 0, "it has nothing to wait for");
    runtime.block_on(client.socket.get_mut().write_all(rest)).unwrap();
    assert_eq!(runtime.block_on(client.hear()).generation, 2);
}

#[test]
fn a_newcomer_in_an_old_room_hears_what_is_said_from_then_on() {
    let mut example = Example::http(CHAT, &[]);
    let runtime = Runtime::new().unwrap();
    let mut ann = runtime.block_on(Client::come_in(example.address(), "garden", "ann"));
    runtime.block_on(async {
        ann.say("hello").await;
        assert_eq!(ann.hear().await.number, 1);
    });
    example.upgrade();
    let mut bob = runtime.block_on(Client::come_in(example.address(), "garden", "bob"));
    runtime.block_on(async {
        bob.say("hello").await;
        let heard = bob.hear().await;
        assert_eq!((heard.number, heard.generation, heard.from.as_str()), (2, 2, "bob"));
        assert_eq!(ann.hear().await, heard);
    });
}

#[test]
fn the_old_process_numbers_again_if_its_successor_dies() {
    let mut example = Example::http(CHAT, &["--probation", "10min"]);
    let runtime = Runtime::new().unwrap();
    let mut ann = runtime.block_on(Client::come_in(example.address(), "garden", "ann"));
    runtime.block_on(async {
        ann.say("hello").await;
        assert_eq!(ann.hear().await.generation, 1);
    });
    example.upgrade();
    runtime.block_on(async {
        assert_numbers(example.address(), 2).await;
        ann.say("hello").await;
        assert_eq!(ann.hear().await.generation, 2);
    });
    example.newest().signal(Signal::KILL);
    let mut bob = runtime.block_on(Client::come_in(example.address(), "garden", "bob"));
    runtime.block_on(async {
        bob.say("hello").await;
        let heard = bob.hear().await;
        assert_eq!((heard.number, heard.generation), (2, 1));
    });
}

#[test]
fn a_chat_that_stops_says_so() {
    let example = Example::http(CHAT, &[]);
    let runtime = Runtime::new().unwrap();
    let mut client = runtime.block_on(Client::come_in(example.address(), "garden", "ann"));
    runtime.block_on(async {
        client.say("hello").await;
        client.hear().await;
    });
    example.newest().signal(Signal::TERM);
    let last = runtime.block_on(async {
        let last = timeout(DEADLINE, client.socket.next()).await.unwrap().unwrap().unwrap();
        while client.socket.next().await.transpose().unwrap().is_some() {}
        last
    });
    let Message::Close(Some(close)) = last else { panic!("{last:?}") };
    assert_eq!(close.code, CloseCode::Restart);
    assert_eq!(example.newest().exit_status(), 0);
}

#[test]
fn what_is_no_message_is_refused_with_a_reason() {
    let example = Example::http(CHAT, &[]);
    let runtime = Runtime::new().unwrap();
    let refused = [
        (Message::text("hello"), CloseCode::Policy),
        (Message::binary(b"hello".to_vec()), CloseCode::Unsupported),
    ];
    for (message, code) in refused {
        runtime.block_on(async {
            let mut client = Client::come_in(example.address(), "garden", "ann").await;
            client.socket.send(message).await.unwrap();
            let Some(Ok(Message::Close(Some(close)))) = client.socket.next().await else {
                panic!("it should be closed with a reason");
            };
            assert_eq!(close.code, code);
        });
    }
}
