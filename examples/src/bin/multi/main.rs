//! Several listeners of several kinds in one process, all handed over in one upgrade.

mod plan;
mod serve;
mod talk;

use std::process::ExitCode;

use clap::Parser;
use rekindle_examples::{Goodbye, ServiceOptions, Site, log_to_stderr};

use crate::plan::{Named, Plan};
use crate::serve::open;
use crate::talk::Talk;

/// Listeners of every kind in one process, which replaces itself on SIGHUP
///
/// A client sends messages: lines on a stream (`tcp`, `unix`), packets or datagrams elsewhere. The
/// message `who` is answered with `pid N generation G`, any other one with itself. On a connection
/// to a process that was replaced, the next answer is followed by the message `bye`: what is sent
/// behind it is still answered, but the client should close and connect again.
///
/// Listeners are known by their names. A next version may have other ones: start it with other
/// arguments, as `rekindle upgrade` does. One that is added is bound, one that is dropped is closed
/// (its Unix path removed), one whose address changes is both.
#[derive(Debug, Parser)]
#[command(
    version,
    after_help = "Listeners, unless they are dropped or added with other addresses:
  tcp       tcp:127.0.0.1:7000             udp       udp:127.0.0.1:7000
  stream    unix:multi.stream              abstract  unix:@rekindle-multi
  packets   unix-seqpacket:multi.packets   datagrams unix-datagram:multi.datagrams

Try it:
  multi --pid-file multi.pid &
  echo who | nc -N 127.0.0.1 7000; kill -HUP $(cat multi.pid)
  echo who | nc -N -U multi.stream"
)]
struct Options {
    /// Add a listener, or give one another address
    #[arg(long = "add", value_name = "NAME=ADDRESS")]
    added: Vec<Named>,

    /// Leave out the listener of this name
    #[arg(long = "drop", value_name = "NAME")]
    dropped: Vec<String>,

    #[command(flatten)]
    service: ServiceOptions,
}

fn main() -> anyhow::Result<ExitCode> {
    let Options { added, dropped, service } = Options::parse();
    log_to_stderr();
    let mut service = service.builder().start_blocking()?;
    let mut listeners = Vec::new();
    for named in Plan::default().with(added).without(&dropped)? {
        listeners.push(open(&mut service, &named)?);
    }
    let running = service.ready()?;

    let talk = Talk { site: Site::new(running.generation()), goodbye: Goodbye::default() };
    let goodbye = talk.goodbye.clone();
    for listener in listeners {
        talk.site.announce(listener.address());
        listener.spawn(talk.clone());
    }

    goodbye.follow_blocking(&running);
    Ok(running.drained().exit_code())
}
