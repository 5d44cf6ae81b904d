//! A chat over WebSockets whose clients stay connected when the server is replaced.

mod book;
mod door;
mod hall;
mod member;
mod room;
mod talk;

use std::process::ExitCode;

use clap::Parser;
use rekindle_examples::{ServiceOptions, Site, log_to_stderr};
use tokio::net::TcpStream;

use crate::book::Book;
use crate::door::{CHAT, Door};
use crate::hall::Hall;

/// A chat over WebSockets that replaces itself on SIGHUP, and everybody stays in their room
///
/// A client comes in by `GET /room/ROOM?name=NAME`, says `{"number": 1, "text": "hello"}`, and
/// hears all that is said in the room, each message with the room's own number. At an upgrade its
/// connection is handed over with what the next process has to know of it, and its client sees
/// nothing of that but the `generation` of the next message. If it cannot be handed over it is
/// closed with code 1012, "service restart".
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Try it:
  chat --pid-file chat.pid &
  websocat 'ws://127.0.0.1:8080/room/garden?name=ann'
  kill -HUP $(cat chat.pid)"
)]
struct Options {
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    listen: String,

    #[command(flatten)]
    service: ServiceOptions,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let Options { listen, service } = Options::parse();
    log_to_stderr();
    let mut service = service.builder().start()?;
    let listener = service.tcp("http", &listen)?;
    let address = listener.address();
    let hall = Hall::new(service.generation(), Book::shared(&mut service)?);
    let door = Door { site: Site::new(service.generation()), hall: hall.clone() };
    service.serve(listener, door.clone().router());
    let handed_over = service.handed_over::<TcpStream>(CHAT)?;
    let running = service.ready().await?;

    door.site.announce(address);
    tokio::spawn(async move {
        while let Some((connection, state)) = handed_over.next().await {
            tokio::spawn(door.clone().take_over(connection, state));
        }
    });

    hall.follow(&running).await;
    Ok(running.drained().await.exit_code())
}
