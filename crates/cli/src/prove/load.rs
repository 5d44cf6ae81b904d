//! `plan`: from what was asked for to what the clients are told.
//!
//! Owns the look-ups, each of which is done once: names of hosts and files of certificates.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use rekindle_prove::{Endpoint, Plan, Target, Tls};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;

use super::plan::{AddressPlan, TrialPlan, Trust};
use crate::arguments::{Scheme, Url};
use crate::failure::Failure;

/// How long one of several addresses may take to accept a connection before the next is tried.
const TRY_TIME: Duration = Duration::from_secs(1);

/// Resolves and reads what the plan names.
pub(super) async fn plan(plan: &TrialPlan) -> Result<Plan, Failure> {
    let trusted = match &plan.address.trust {
        Trust::File(path) => {
            // Before anything is measured: it may block.
            let read = std::fs::read(path);
            Some(read.with_context(|| format!("read the certificates in `{}`", path.display()))?)
        }
        Trust::System | Trust::Anyone => None,
    };
    let mut resolved = Resolved::default();
    let mut endpoints = Vec::new();
    for group in &plan.groups {
        let target = match &plan.address.unix {
            Some(path) if !group.is_elsewhere => Target::Unix(path.clone()),
            _ => {
                let address = resolved.address(&group.url).await?;
                match group.url.scheme {
                    Scheme::Udp => Target::Udp(address),
                    _ => Target::Tcp(address),
                }
            }
        };
        endpoints.push(endpoint(target, &group.url, &plan.address, trusted.as_deref()));
    }
    let first = endpoints.first().expect("a plan has a group").clone();
    let load = Plan::new(first).request_limit(plan.request_timeout).seed(plan.seed);
    let groups = plan.groups.iter().zip(endpoints);
    Ok(groups
        .fold(load, |load, (group, endpoint)| load.group(group.group.clone().endpoint(endpoint))))
}

fn endpoint(target: Target, url: &Url, address: &AddressPlan, trusted: Option<&[u8]>) -> Endpoint {
    let authority = address.host.clone().unwrap_or_else(|| url.authority());
    let mut endpoint = Endpoint::new(target).authority(authority);
    for field in &address.fields {
        endpoint = endpoint.field(&field.name, &field.value);
    }
    if !url.scheme.is_tls() {
        return endpoint;
    }
    let name = address.host.as_deref().map_or(url.host.as_str(), without_port);
    let tls = Tls::new(name);
    endpoint.tls(match (&address.trust, trusted) {
        (Trust::Anyone, _) => tls.insecure(),
        (_, Some(pem)) => tls.trust(pem),
        (_, None) => tls.trust_system(),
    })
}

/// The name in `name:port`, `[::1]:port`, or without a port.
fn without_port(host: &str) -> &str {
    if let Some((name, _)) = host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        return name;
    }
    match host.split_once(':') {
        Some((name, port)) if !port.contains(':') => name,
        _ => host,
    }
}

/// The addresses that were looked up.
#[derive(Default)]
struct Resolved(Vec<(String, u16, SocketAddr)>);

impl Resolved {
    async fn address(&mut self, url: &Url) -> Result<SocketAddr, Failure> {
        let known = |(host, port, _): &&(String, u16, _)| *host == url.host && *port == url.port;
        if let Some((_, _, address)) = self.0.iter().find(known) {
            return Ok(*address);
        }
        let (host, port) = (url.host.as_str(), url.port);
        let found: io::Result<Vec<_>> = lookup_host((host, port)).await.map(Iterator::collect);
        let found = found.with_context(|| format!("find the address of `{host}`"))?;
        let address = choose(&found, url.scheme).await;
        let address =
            address.ok_or_else(|| anyhow!("find the address of `{host}`: it has none"))?;
        self.0.push((host.to_owned(), port, address));
        Ok(address)
    }
}

/// The first address that accepts a connection, or else the first. `localhost` is two addresses,
/// and a server often listens on one of them; all clients are to ask the same.
async fn choose(found: &[SocketAddr], scheme: Scheme) -> Option<SocketAddr> {
    if found.len() > 1 && scheme != Scheme::Udp {
        for address in found {
            if let Ok(Ok(_)) = timeout(TRY_TIME, TcpStream::connect(address)).await {
                return Some(*address);
            }
        }
    }
    found.first().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_is_for_a_name_without_a_port() {
        for host in ["x", "x:80"] {
            assert_eq!(without_port(host), "x");
        }
        for host in ["::1", "[::1]", "[::1]:443"] {
            assert_eq!(without_port(host), "::1");
        }
    }

    #[tokio::test]
    async fn of_several_addresses_the_one_that_listens_is_asked() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let listening = listener.local_addr().unwrap();
        let dead = SocketAddr::from(([127, 0, 0, 2], listening.port()));
        assert_eq!(choose(&[dead, listening], Scheme::Http).await, Some(listening));
        assert_eq!(choose(&[dead, dead], Scheme::Http).await, Some(dead));
        assert_eq!(choose(&[dead, listening], Scheme::Udp).await, Some(dead));
        assert_eq!(choose(&[], Scheme::Http).await, None);
    }
}
