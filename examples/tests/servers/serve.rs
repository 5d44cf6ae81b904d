//! The smallest server: it has no options, and says nothing.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};

use rustix::process::{Signal, kill_process_group};

use crate::client::Client;
use crate::example::eventually;
use crate::process::{Process, id};

/// The server and those that replace it.
struct Server(Child);

impl Server {
    fn start() -> Self {
        let program = env!("CARGO_BIN_EXE_serve");
        Self(Command::new(program).arg("127.0.0.1:0").process_group(0).spawn().unwrap())
    }

    /// Where it listens, once it does: the kernel knows.
    fn address(&self) -> SocketAddr {
        let mut port = None;
        eventually("it listens", || {
            port = port_of(self.0.id());
            port.is_some()
        });
        SocketAddr::from(([127, 0, 0, 1], port.expect("it was awaited")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // There is none left to be killed, if all is well.
        let _ = kill_process_group(id(self.0.id()), Signal::KILL);
        let _ = self.0.wait();
    }
}

/// The port of a process's TCP listener (proc_pid_net(5)).
fn port_of(pid: u32) -> Option<u16> {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    let links: Vec<_> = descriptors.filter_map(|it| fs::read_link(it.ok()?.path()).ok()).collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).ok()?;
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let [_, local, _, "0A", _, _, _, _, _, inode, ..] = fields[..] else { return None };
        let socket = format!("socket:[{inode}]");
        let is_its_own = links.iter().any(|link| link.as_os_str() == socket.as_str());
        let (_, port) = local.split_once(':').filter(|_| is_its_own)?;
        u16::from_str_radix(port, 16).ok()
    })
}

/// The process that answers on this connection.
fn answerer(client: &mut Client) -> u32 {
    let answer = client.get("/");
    assert!(!answer.says_close());
    answer.body.trim_end().strip_prefix("pid ").unwrap().parse().unwrap()
}

#[test]
fn one_call_is_the_whole_life() {
    let server = Server::start();
    let mut client = Client::connect(server.address());
    let old = Process::new(answerer(&mut client), 1);
    assert_eq!(old.pid, server.0.id());
    old.signal(Signal::HUP);
    let mut pid = old.pid;
    eventually("the connection has moved", || {
        pid = answerer(&mut client);
        pid != old.pid
    });
    let new = Process::new(pid, 2);
    new.signal(Signal::TERM);
    client.assert_closed();
    // How it ends is for its parent to see, if that is still there.
    new.wait();
    assert_eq!(old.exit_status(), 0);
}
