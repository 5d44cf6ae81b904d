//! `plan`: from modes on the command line to groups of connections.
//!
//! Owns what each mode makes a client do, and which of them make no sense together.

use std::time::Duration;

use rekindle_prove::{Group, Mode, Protocol, Request};

use super::error::PlanError;
use super::shares::split;
use crate::arguments::{
    LoadArguments, ModeArgument, ModeName, Place, RequestArguments, Scheme, Url,
};

const DEFAULT_THINK: Duration = Duration::from_millis(200);
const DEFAULT_UPLOAD_TIME: Duration = Duration::from_secs(2);
const DEFAULT_STREAMS: u16 = 8;
const DEFAULT_BODY: usize = 16 * 1_024;
const DEFAULT_MESSAGE: usize = 128;

/// Some of the connections, and where they go.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct GroupPlan {
    /// What tables call it.
    pub(crate) name: String,
    pub(crate) connections: usize,
    pub(crate) url: Url,
    /// Whether its URL names a server of its own, which `--unix` is not about.
    pub(crate) is_elsewhere: bool,
    /// Whether its answers are to take longer than a restart.
    pub(crate) is_slow: bool,
    pub(crate) group: Group,
}

/// The groups for `url`, in the order of their modes.
pub(super) fn plan(
    url: &Url,
    load: &LoadArguments,
    requests: &RequestArguments,
) -> Result<Vec<GroupPlan>, PlanError> {
    let modes = if load.modes.is_empty() { defaults(url.scheme) } else { load.modes.clone() };
    check(&modes, load, requests)?;
    let shares: Vec<_> = modes.iter().map(|mode| mode.share).collect();
    let connections = usize::from(load.connections);
    let too_few = PlanError::TooFewConnections { connections, modes: modes.len() };
    let parts = split(connections, &shares).ok_or(too_few)?;
    let paced: usize = modes
        .iter()
        .zip(&parts)
        .filter(|(mode, _)| is_paced(mode.name))
        .map(|(_, part)| part)
        .sum();
    let mut plans = Vec::new();
    for (mode, part) in modes.iter().zip(parts) {
        let url = place(url, mode)?;
        let mut group = group(mode.name, &url, load, requests);
        let name = name(mode, &modes);
        group = group.name(&name).connections(part);
        if let Some(rate) = load.rate.filter(|_| is_paced(mode.name)) {
            group = group.rate(rate * part as f64 / paced as f64);
        }
        let is_elsewhere = is_elsewhere(mode);
        let is_slow = mode.name == ModeName::Slow;
        plans.push(GroupPlan { name, connections: part, url, is_elsewhere, is_slow, group });
    }
    let says_messages = |plan: &GroupPlan| !matches!(plan.url.scheme, Scheme::Http | Scheme::Https);
    if requests.message_size.is_some() && !plans.iter().any(says_messages) {
        return Err(PlanError::Unheeded { option: "--message-size", mode: ModeName::Ws.name() });
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

fn check(
    modes: &[ModeArgument],
    load: &LoadArguments,
    requests: &RequestArguments,
) -> Result<(), PlanError> {
    let has = |name| modes.iter().any(|mode| mode.name == name);
    let is_slow_by_nothing =
        |mode: &ModeArgument| mode.name == ModeName::Slow && mode.place.is_none();
    if load.read_rate.is_none() && modes.iter().any(is_slow_by_nothing) {
        return Err(PlanError::NotSlow);
    }
    let heeded = [
        ("--read-rate", load.read_rate.is_some(), &[ModeName::Slow][..]),
        ("--think", load.think.is_some(), &[ModeName::Idle]),
        ("--upload-time", load.upload_time.is_some(), &[ModeName::Upload]),
        ("--streams", load.streams.is_some(), &[ModeName::H2]),
        ("--body-size", requests.body_size.is_some(), &[ModeName::Post, ModeName::Upload]),
    ];
    for (option, is_given, by) in heeded {
        if is_given && !by.iter().any(|name| has(*name)) {
            return Err(PlanError::Unheeded { option, mode: by[0].name() });
        }
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
fn group(name: ModeName, url: &Url, load: &LoadArguments, requests: &RequestArguments) -> Group {
    let mode = match name {
        ModeName::New => Mode::New,
        ModeName::Idle => Mode::Idle { mean_think: load.think.unwrap_or(DEFAULT_THINK) },
        _ => Mode::Keep,
    };
    let protocol = match url.scheme {
        Scheme::Http | Scheme::Https if name == ModeName::H2 => {
            Protocol::Http2 { streams: load.streams.unwrap_or(DEFAULT_STREAMS).into() }
        }
        Scheme::Http | Scheme::Https => Protocol::Http1,
        Scheme::Ws | Scheme::Wss => Protocol::WebSocket,
        Scheme::Tcp | Scheme::Tls => Protocol::Echo,
        Scheme::Udp => Protocol::Datagrams,
    };
    let request = match (protocol, name) {
        (Protocol::Http1 | Protocol::Http2 { .. }, ModeName::Post | ModeName::Upload) => {
            Request::post(&url.path, requests.body_size.unwrap_or(DEFAULT_BODY))
        }
        (Protocol::Http1 | Protocol::Http2 { .. }, _) => Request::get(&url.path),
        _ => Request::message(&url.path, requests.message_size.unwrap_or(DEFAULT_MESSAGE)),
    };
    let group = Group::new(mode, request).protocol(protocol);
    match (name, load.read_rate) {
        (ModeName::Upload, _) => group.upload_time(load.upload_time.unwrap_or(DEFAULT_UPLOAD_TIME)),
        (ModeName::Slow, Some(rate)) => group.read_rate(rate),
        _ => group,
    }
}

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

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(flatten)]
        load: LoadArguments,
        #[command(flatten)]
        requests: RequestArguments,
    }

    fn groups(url: &str, words: &str) -> Result<Vec<GroupPlan>, PlanError> {
        let words = std::iter::once("x").chain(words.split_whitespace());
        let Arguments { load, requests } = Arguments::parse_from(words);
        plan(&url.parse().unwrap(), &load, &requests)
    }

    fn tabled(groups: &[GroupPlan]) -> Vec<(&str, usize, String)> {
        let row = |group: &GroupPlan| (group.connections, group.url.to_string());
        let rows = groups.iter().map(row);
        groups.iter().zip(rows).map(|(group, (count, url))| (&*group.name, count, url)).collect()
    }

    const HOME: &str = "http://x/a";

    #[test]
    fn without_a_mode_connections_are_new_kept_and_idle() {
        for (url, names) in [
            (HOME, &["new", "keep", "idle"][..]),
            ("wss://x/a", &["new", "keep", "idle"]),
            ("tls://x:7", &["new", "keep", "idle"]),
            ("udp://x:7", &["udp"]),
        ] {
            let groups = groups(url, "").unwrap();
            assert_eq!(groups.iter().map(|group| group.name.as_str()).collect::<Vec<_>>(), names);
            assert_eq!(groups.iter().map(|group| group.connections).sum::<usize>(), 64);
        }
    }

    #[test]
    fn each_mode_asks_where_it_is_told() {
        let words = "--connections 10 --mode keep=2 --mode post@/echo --mode keep@https://y/b=@c \
             --mode ws@/chat --mode udp@udp://[::1]:9";
        assert_eq!(
            tabled(&groups(HOME, words).unwrap()),
            [
                ("keep", 3, "http://x/a".to_owned()),
                ("post", 2, "http://x/echo".to_owned()),
                ("keep https://y/b=@c", 2, "https://y/b=@c".to_owned()),
                ("ws", 2, "ws://x/chat".to_owned()),
                ("udp", 1, "udp://[::1]:9".to_owned()),
            ]
        );
    }

    #[test]
    fn each_mode_is_a_client_of_its_own() {
        let get = || Request::get("/a");
        let message = || Request::message("/a", 128);
        let idle = Mode::Idle { mean_think: Duration::from_millis(200) };
        let table = [
            (HOME, "new", Group::new(Mode::New, get())),
            (HOME, "keep", Group::new(Mode::Keep, get())),
            (HOME, "idle", Group::new(idle, get())),
            (HOME, "post", Group::new(Mode::Keep, Request::post("/a", 16_384))),
            (HOME, "slow --read-rate 1k", Group::new(Mode::Keep, get()).read_rate(1_024)),
            (
                HOME,
                "upload --upload-time 3s --body-size 10",
                Group::new(Mode::Keep, Request::post("/a", 10)).upload_time(Duration::from_secs(3)),
            ),
            (
                HOME,
                "h2 --streams 3",
                Group::new(Mode::Keep, get()).protocol(Protocol::Http2 { streams: 3 }),
            ),
            (HOME, "ws", Group::new(Mode::Keep, message()).protocol(Protocol::WebSocket)),
            ("ws://x/a", "idle", Group::new(idle, message()).protocol(Protocol::WebSocket)),
            (
                "tcp://x:7",
                "tcp --message-size 16",
                Group::new(Mode::Keep, Request::message("/", 16)).protocol(Protocol::Echo),
            ),
            (
                "udp://x:7",
                "udp",
                Group::new(Mode::Keep, Request::message("/", 128)).protocol(Protocol::Datagrams),
            ),
        ];
        for (url, words, expected) in table {
            let (name, _) = words.split_once(' ').unwrap_or((words, ""));
            let words = format!("--connections 5 --mode {words}");
            let groups = groups(url, &words).unwrap();
            assert_eq!(groups[0].group, expected.name(name).connections(5), "{words}");
        }
    }

    #[test]
    fn a_rate_is_shared_by_those_that_have_no_pace_of_their_own() {
        let words = "--connections 8 --rate 300 --mode new --mode keep=2 --mode idle";
        let groups = groups(HOME, words).unwrap();
        let plain = |mode, name, connections| {
            Group::new(mode, Request::get("/a")).name(name).connections(connections)
        };
        assert_eq!(groups[0].group, plain(Mode::New, "new", 2).rate(100.0));
        assert_eq!(groups[1].group, plain(Mode::Keep, "keep", 4).rate(200.0));
        let idle = Mode::Idle { mean_think: Duration::from_millis(200) };
        assert_eq!(groups[2].group, plain(idle, "idle", 2));
    }

    #[test]
    fn what_makes_no_sense_together_is_refused_with_what_would() {
        let table = [
            (HOME, "--connections 2", "share 2 connections among 3 modes"),
            (HOME, "--mode slow", "slow@/slow?ms=2000"),
            (HOME, "--read-rate 1k", "add --mode slow"),
            (HOME, "--mode keep --think 1s", "add --mode idle"),
            (HOME, "--upload-time 1s", "add --mode upload"),
            (HOME, "--streams 2", "add --mode h2"),
            (HOME, "--body-size 2", "heed --body-size: it is about mode `post`"),
            (HOME, "--message-size 16", "add --mode ws"),
            (HOME, "--rate 5 --mode idle", "add a mode such as keep"),
            (HOME, "--mode tcp", "--mode tcp@tcp://127.0.0.1:7"),
            (HOME, "--mode udp", "--mode udp@udp://127.0.0.1:7"),
            ("tcp://x:7", "--mode post", "--mode post@http://127.0.0.1:8080/"),
            ("ws://x/", "--mode h2", "--mode h2@http://127.0.0.1:8080/"),
            ("udp://x:7", "--mode ws", "--mode ws@ws://127.0.0.1:8080/"),
        ];
        for (url, words, expected) in table {
            let error = groups(url, words).expect_err(words).to_string();
            assert!(error.contains(expected), "{words}: {error}");
        }
    }
}
