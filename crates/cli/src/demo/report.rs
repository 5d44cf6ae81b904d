//! `Report`: what the demo found, and the exit status that says so.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use rekindle_prove::{Latency, Outcome};
use serde::{Serialize, Serializer};

use super::plan::Plan;
use super::server::Upgrade;
use crate::exit_status::ExitStatus;

/// What the demo found. As JSON it is what `demo --json` prints: see docs/cli.md.
#[derive(Debug, Serialize)]
pub(super) struct Report {
    /// Where the server listened.
    pub(super) address: SocketAddr,
    /// Where it was to listen; its port is another one if that was taken.
    pub(super) asked_address: SocketAddr,
    pub(super) connections: usize,
    /// How many things clients noticed. Zero is what an upgrade should leave.
    pub(super) noticed: u64,
    pub(super) upgrades: Vec<UpgradeReport>,
    /// Of all requests.
    pub(super) latency: Latency,
    /// All that the strict clients saw.
    pub(super) load: Outcome,
}

/// One upgrade.
#[derive(Debug, Serialize)]
pub(super) struct UpgradeReport {
    pub(super) old_generation: u64,
    pub(super) generation: u64,
    pub(super) old_pid: u32,
    pub(super) pid: u32,
    /// From the signal until the new process said that it serves.
    #[serde(rename = "committed_us", serialize_with = "micros")]
    pub(super) committed: Duration,
    /// From the signal until the last answer of an old process; `None` if the new one never
    /// answered.
    #[serde(rename = "only_new_us", serialize_with = "optional_micros")]
    pub(super) only_new: Option<Duration>,
}

impl Report {
    /// `started` is when the load began: its own times count from there.
    pub(super) fn new(
        plan: &Plan,
        address: SocketAddr,
        started: Instant,
        upgrades: &[Upgrade],
        load: Outcome,
    ) -> Self {
        let upgrades = upgrades.iter().map(|upgrade| UpgradeReport::new(upgrade, started, &load));
        let mut groups = load.groups.iter().map(|group| &group.latency);
        let mut latency = groups.next().expect("a plan has a group").clone();
        groups.for_each(|group| latency.merge(group));
        Self {
            address,
            asked_address: plan.listen,
            connections: plan.connections,
            noticed: load.noticed,
            upgrades: upgrades.collect(),
            latency,
            load,
        }
    }

    /// What it means for the exit status. What was not measured is not proven.
    pub(super) fn status(&self) -> ExitStatus {
        match (self.noticed, self.is_measured()) {
            (1.., _) => ExitStatus::Noticed,
            (0, true) => ExitStatus::Done,
            (0, false) => ExitStatus::CouldNotRun,
        }
    }

    /// Whether every request was answered or noticed, and each generation answered some.
    fn is_measured(&self) -> bool {
        let all_answered = self.upgrades.iter().all(|upgrade| upgrade.only_new.is_some());
        all_answered && self.load.tally.answered > 0 && self.load.tally.could_not_measure == 0
    }
}

impl UpgradeReport {
    fn new(upgrade: &Upgrade, started: Instant, load: &Outcome) -> Self {
        let Upgrade { old, new, begun, committed } = *upgrade;
        let answered = load.generations.iter().any(|one| one.responder.generation == new.number);
        let ended = load.earlier_ended(new.number).filter(|_| answered);
        let begun = begun.duration_since(started);
        Self {
            old_generation: old.number,
            generation: new.number,
            old_pid: old.pid,
            pid: new.pid,
            committed,
            only_new: ended.map(|ended| ended.saturating_sub(begun)),
        }
    }
}

fn micros<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
}

fn optional_micros<S: Serializer>(time: &Option<Duration>, to: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => micros(time, to),
        None => to.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use rekindle_prove::{Group, Mode, Request, Target};
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::super::server::Generation;
    use super::*;

    const PLAN: Plan =
        Plan { upgrades: 1, connections: 5, listen: SocketAddr::new(LOOPBACK, 8888) };
    const LOOPBACK: std::net::IpAddr = std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    async fn load(address: SocketAddr, requests: u64) -> (Instant, Outcome) {
        let plan = rekindle_prove::Plan::new(Target::Tcp(address));
        let group = Group::new(Mode::New, Request::get("/")).requests(requests);
        let started = Instant::now();
        (started, plan.group(group).start().unwrap().wait().await)
    }

    /// Answers as generation 7, for ever.
    async fn generation_7() -> SocketAddr {
        let listener = tokio::net::TcpListener::bind((LOOPBACK, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 18\r\nconnection: close\r\n\r\n\
                    pid 1 generation 7";
                let count = stream.read(&mut [0; 1024]).await.unwrap();
                assert!(count > 0);
                stream.write_all(answer).await.unwrap();
            }
        });
        address
    }

    fn upgrade(to: u64, begun: Instant) -> Upgrade {
        let generation = |number| Generation { number, pid: 1, address: (LOOPBACK, 1).into() };
        let committed = Duration::from_millis(2);
        Upgrade { old: generation(to - 1), new: generation(to), begun, committed }
    }

    #[tokio::test]
    async fn nothing_noticed_and_all_measured_is_done() {
        let address = generation_7().await;
        let (started, outcome) = load(address, 3).await;
        let report = Report::new(&PLAN, address, started, &[upgrade(7, started)], outcome);
        assert_eq!(report.status(), ExitStatus::Done);
        assert_eq!(report.latency.count(), 3);
        assert_eq!(report.upgrades[0].only_new, Some(Duration::ZERO), "no other ever answered");
        let json = serde_json::to_value(&report).unwrap();
        assert_eq!(json["upgrades"][0]["committed_us"], 2_000);
    }

    #[tokio::test]
    async fn a_generation_that_never_answered_is_not_measured() {
        let address = generation_7().await;
        for generation in [6, 8] {
            let (started, outcome) = load(address, 3).await;
            let upgrades = [upgrade(generation, started)];
            let report = Report::new(&PLAN, address, started, &upgrades, outcome);
            assert_eq!(report.status(), ExitStatus::CouldNotRun, "{generation}");
            assert!(serde_json::to_value(&report).unwrap()["upgrades"][0]["only_new_us"].is_null());
        }
    }

    #[tokio::test]
    async fn a_load_without_answers_proves_nothing() {
        let address = generation_7().await;
        let (started, outcome) = load(address, 0).await;
        let report = Report::new(&PLAN, address, started, &[], outcome);
        assert_eq!(report.status(), ExitStatus::CouldNotRun);
    }

    #[tokio::test]
    async fn whatever_clients_notice_is_noticed() {
        let nobody = TcpListener::bind((LOOPBACK, 0)).unwrap().local_addr().unwrap();
        let (started, outcome) = load(nobody, 2).await;
        let report = Report::new(&PLAN, nobody, started, &[], outcome);
        assert_eq!((report.status(), report.noticed), (ExitStatus::Noticed, 2));
        let summary = super::super::summary::Summary(&report).to_string();
        assert!(summary.contains("refused") && summary.contains("noticed"), "{summary}");
        assert!(summary.contains(": refused: Connection refused"), "{summary}");
    }
}
