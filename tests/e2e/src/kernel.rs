//! What the kernel says of TCP, in the network namespace of this process (proc(5)). Owns the
//! reading.

use std::fs;
use std::net::SocketAddr;

/// The ports of those who wait to be accepted at this IPv4 address and have sent something: those
/// who have not may not know yet that they are connected.
#[must_use]
pub fn queued(address: SocketAddr) -> Vec<u16> {
    const ESTABLISHED: &str = "01";
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    let waiting = table.lines().skip(1).filter_map(|line| {
        let fields: Vec<_> = line.split_ascii_whitespace().collect();
        let has_sent = !fields[4].ends_with(":00000000");
        // No process has a descriptor of it.
        let waits = fields[3] == ESTABLISHED && fields[9] == "0" && has_sent;
        (waits && port(fields[1]) == address.port()).then(|| port(fields[2]))
    });
    waiting.collect()
}

/// The port of `0100007F:1F90`.
fn port(end: &str) -> u16 {
    let (_, port) = end.split_once(':').unwrap();
    u16::from_str_radix(port, 16).unwrap()
}

/// A counter of `Tcp` in `/proc/net/snmp`, such as `AttemptFails`.
///
/// # Panics
///
/// If there is none of this name.
#[must_use]
pub fn tcp_counter(name: &str) -> u64 {
    let text = fs::read_to_string("/proc/net/snmp").unwrap();
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("Tcp: "));
    let (names, values) = (lines.next().unwrap(), lines.next().unwrap());
    let mut pairs = names.split(' ').zip(values.split(' '));
    let (_, value) = pairs.find(|(known, _)| *known == name).unwrap();
    value.parse().unwrap()
}
