//! `plan`: from modes on the command line to groups of connections.
//!
//! Owns what each mode makes a client do, and which of them make no sense together.

use rekindle_prove::{Group, Mode, Protocol, Request};

use super::error::PlanError;
use super::shares::split;
use crate::arguments::{LoadArguments, ModeArgument, ModeName, Place, RequestArguments, Scheme, Url};

/// Some of the connections, and where they go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupPlan {
    /// What tables call it.
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) url: Url,
    /// Whether its URL names a server of its own, which `--unix` is not about.
    pub(crate) is_elsewhere: bool,
    pub(crate) group: Group,
}

/// The groups for `url`, in the order of their modes.
pub(super) fn plan(
    url: &Url,
    load: &LoadArguments,
    requests: &RequestArguments,
) -> Result<Vec<GroupPlan>, PlanError> {
    let modes = if load.modes.is_empty() { defaults(url.scheme) } else { load.modes.clone() };
    check(&modes, load)?;
    let shares: Vec<_> = modes.iter().map(|mode| mode.share).collect();
    let connections = usize::from(load.connections);
    let too_few = PlanError::TooFewConnections { connections, modes: modes.len() };
    let parts = split(connections, &shares).ok_or(too_few)?;
    let paced: usize =
        modes.iter().zip(&parts).filter(|(mode, _)| is_paced(mode.name)).map(|(_, part)| part).sum();
    let mut plans = Vec::new();
    for (mode, part) in modes.iter().zip(parts) {
        let url = place(url, mode)?;
        let mut group = group(mode.name, &url, load, requests)?;
        let name = name(mode, &modes);
        group = group.name(&name).connections(part);
        if let Some(rate) = load.rate.filter(|_| is_paced(mode.name)) {
            group = group.rate(rate * part as f64 / paced as f64);
        }
        let is_elsewhere = is_elsewhere(mode);
        plans.push(GroupPlan { name, connections: part, url, is_elsewhere, group });
    }
    Ok(plans)
}

fn defaults(scheme: Scheme) -> Vec<ModeArgument> {
    let names: &[ModeName] = match scheme {
        Scheme::Udp => &[ModeName::Udp],
        _ => &[ModeName::New, ModeName::Keep, ModeName::Idle],
    };
    names.iter().map(|name| ModeArgument { name: *name, share: 1, place: None }).collect()
}

fn check(modes: &[ModeArgument], load: &LoadArguments) -> Result<(), PlanError> {
    let has = |name| modes.iter().any(|mode| mode.name == name);
    let is_slow_by_nothing = |mode: &ModeArgument| mode.name == ModeName::Slow && mode.place.is_none();
    if load.read_rate.is_none() && modes.iter().any(is_slow_by_nothing) {
        return Err(PlanError::NotSlow);
    }
    if load.read_rate.is_some() && !has(ModeName::Slow) {
        return Err(PlanError::NobodySlow);
    }
    if load.rate.is_some() && !modes.iter().any(|mode| is_paced(mode.name)) {
        return Err(PlanError::NobodyPaced);
    }
    Ok(())
}

/// Whether `--rate` is about it: the others have a pace of their own.
fn is_paced(name: ModeName) -> bool {
    !matches!(name, ModeName::Idle | ModeName::Slow | ModeName::Upload)
}

fn is_elsewhere(mode: &ModeArgument) -> bool {
    matches!(mode.place, Some(Place::Url(_)))
}

/// Where the mode asks, in the protocol that it means.
fn place(home: &Url, mode: &ModeArgument) -> Result<Url, PlanError> {
    let url = match &mode.place {
        None => home.clone(),
        Some(Place::Path(path)) => home.at(path),
        Some(Place::Url(url)) => url.clone(),
    };
    let (name, scheme) = (mode.name, url.scheme);
    let fits = match name {
        ModeName::New | ModeName::Keep | ModeName::Idle => Some(scheme),
        ModeName::Post | ModeName::Slow | ModeName::Upload | ModeName::H2 => {
            matches!(scheme, Scheme::Http | Scheme::Https).then_some(scheme)
        }
        ModeName::Ws => match scheme {
            Scheme::Http | Scheme::Ws => Some(Scheme::Ws),
            Scheme::Https | Scheme::Wss => Some(Scheme::Wss),
            Scheme::Tcp | Scheme::Tls | Scheme::Udp => None,
        },
        ModeName::Tcp => matches!(scheme, Scheme::Tcp | Scheme::Tls).then_some(scheme),
        ModeName::Udp => (scheme == Scheme::Udp).then_some(scheme),
    };
    match fits {
        Some(scheme) => Ok(url.spoken(scheme)),
        None => Err(PlanError::Scheme {
            mode: name.name(),
            scheme: scheme.name(),
            example: match name {
                ModeName::Tcp => "tcp@tcp://127.0.0.1:7".to_owned(),
                ModeName::Udp => "udp@udp://127.0.0.1:7".to_owned(),
                ModeName::Ws => "ws@ws://127.0.0.1:8080/".to_owned(),
                _ => format!("{}@http://127.0.0.1:8080/", name.name()),
            },
        }),
    }
}

/// What the mode makes a client do, without how many there are.
fn group(
    name: ModeName,
    url: &Url,
    load: &LoadArguments,
    requests: &RequestArguments,
) -> Result<Group, PlanError> {
    let mode = match name {
        ModeName::New => Mode::New,
        ModeName::Idle => Mode::Idle { mean_think: load.think },
        _ => Mode::Keep,
    };
    let protocol = match url.scheme {
        Scheme::Http | Scheme::Https if name == ModeName::H2 => {
            Protocol::Http2 { streams: load.streams.into() }
        }
        Scheme::Http | Scheme::Https => Protocol::Http1,
        Scheme::Ws | Scheme::Wss => Protocol::WebSocket,
        Scheme::Tcp | Scheme::Tls => Protocol::Echo,
        Scheme::Udp => Protocol::Datagrams,
    };
    let request = match (protocol, name) {
        (Protocol::Http1 | Protocol::Http2 { .. }, ModeName::Post | ModeName::Upload) => {
            Request::post(&url.path, requests.body_size)
        }
        (Protocol::Http1 | Protocol::Http2 { .. }, _) => Request::get(&url.path),
        _ => Request::message(&url.path, requests.message_size),
    };
    if protocol == Protocol::Datagrams && requests.message_size > DATAGRAM_LIMIT {
        return Err(PlanError::DatagramTooLong { bytes: requests.message_size });
    }
    let group = Group::new(mode, request).protocol(protocol);
    Ok(match (name, load.read_rate) {
        (ModeName::Upload, _) => group.upload_time(load.upload_time),
        (ModeName::Slow, Some(rate)) => group.read_rate(rate),
        _ => group,
    })
}

/// What fits into a UDP datagram over IPv4: 65,535 bytes without the two heads.
const DATAGRAM_LIMIT: usize = 65_507;

/// What tables call it: its mode, and where it asks if another group has the same mode.
fn name(mode: &ModeArgument, all: &[ModeArgument]) -> String {
    let name = mode.name.name();
    let is_alone = all.iter().filter(|other| other.name == mode.name).count() == 1;
    match &mode.place {
        Some(Place::Path(path)) if !is_alone => format!("{name} {path}"),
        Some(Place::Url(url)) if !is_alone => format!("{name} {url}"),
        _ => name.to_owned(),
    }
}
