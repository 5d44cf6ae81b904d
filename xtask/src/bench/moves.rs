//! `bench move`: idle kept connections that are moved by one upgrade: how long it takes until the
//! new process has them all, whether all are alive, and what they cost it.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::client::{Answers, Client, Clients};
use super::clock::now_ns;
use super::control::status;
use super::cores::Core;
use super::descriptors::allow_descriptors;
use super::median::median;
use super::moment::Moment;
use super::process::{Holdings, Process};
use super::programs::Programs;
use super::report::{Goal, Report, Row};
use super::server::{Server, Way};

/// How long the moves may take from ready on, in microseconds.
const TIME_LIMIT_US: u32 = 100_000;

/// How many times the memory of who accepted the connections they may take after use: what the
/// kernel counts as resident differs by a few pages in a hundred between equal processes.
const USED_LIMIT: f64 = 1.05;

/// The descriptors that a process needs beside those of its connections.
const OTHER_DESCRIPTORS: usize = 500;

/// How long to wait for all connections.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the new process is asked whether it has them all: no more than that is measured too
/// much, and the asking costs it little.
const ASK_INTERVAL: Duration = Duration::from_millis(1);

/// What one upgrade came to.
#[derive(Debug, Clone, Copy)]
struct Move {
    /// From when the new process is ready, which is a little before the commit.
    ready_us: u64,
    /// From when it serves, which is a little after.
    serving_us: u64,
    /// The processor time that it took the old process.
    old_cpu_us: u64,
    /// And the new one, its start included.
    new_cpu_us: u64,
    /// What it holds then.
    arrived: Holdings,
    /// What it holds after one request on each connection.
    asked: Holdings,
    /// How many requests were not answered, or not by it.
    failed: u64,
}

pub(crate) fn measure(
    programs: &Programs<'_>,
    rounds: usize,
    connections: usize,
) -> Result<Report> {
    allow_descriptors(connections + OTHER_DESCRIPTORS)?;
    let (program, client) = (programs.http_server()?, programs.client()?);
    let mut server = Server::start_http(&program, Way::Rekindle, Core::Any)?;
    let clients = Clients { program: &client, core: Core::Any, connections };
    let mut client = clients.idle(server.address()?)?;
    let opened: Answers = client.found()?;
    ensure!(
        opened.not_by(server.newest()?.pid()) == 0,
        "open {connections} connections: {opened:?}"
    );
    let accepted = server.newest()?.holdings()?;
    let moves = (0..rounds).map(|_| upgrade(&mut server, &mut client, connections));
    let moves = moves.collect::<Result<Vec<_>>>()?;
    drop(client);
    server.stop()?;
    report(&accepted, &moves, connections)
}

/// One upgrade, and one request on each connection after it.
fn upgrade(server: &mut Server, client: &mut Client, connections: usize) -> Result<Move> {
    let old = Process::open(server.newest()?.pid())?;
    let before_ns = old.cpu_ns()?;
    let timeline = server.upgrade()?;
    let mut old_ns = before_ns;
    let all_ns = await_all(server, connections, || {
        // Its last one is gone as soon as the process is.
        old_ns = old.cpu_ns().unwrap_or(old_ns);
    })?;
    let new_cpu_us = server.newest()?.cpu_ns()? / 1_000;
    let arrived = server.newest()?.holdings()?;
    server.await_alone()?;
    client.tell()?;
    let answers: Answers = client.found()?;
    let since_us = |moment| {
        let at_ns = timeline.at_ns(moment).context("hear when the new process serves")?;
        Ok::<_, anyhow::Error>(all_ns.saturating_sub(at_ns) / 1_000)
    };
    Ok(Move {
        ready_us: since_us(Moment::Claimed)?,
        serving_us: since_us(Moment::Serving)?,
        old_cpu_us: old_ns.saturating_sub(before_ns) / 1_000,
        new_cpu_us,
        arrived,
        asked: server.newest()?.holdings()?,
        failed: answers.not_by(server.newest()?.pid()),
    })
}

/// Waits until the newest process has all connections, and looks around meanwhile. Returns when
/// that was.
fn await_all(server: &Server, connections: usize, mut look: impl FnMut()) -> Result<u64> {
    let (control, pid) = (server.control(), server.newest()?.pid());
    let deadline = Instant::now() + PATIENCE;
    loop {
        look();
        let status = status(&control)?;
        ensure!(status.pid == pid, "ask process {pid}: process {} answers", status.pid);
        if status.moved_in >= u64::try_from(connections)? {
            return Ok(now_ns());
        }
        let moved = status.moved_in;
        ensure!(Instant::now() < deadline, "move {connections} connections: {moved} have arrived");
        thread::sleep(ASK_INTERVAL);
    }
}

fn report(accepted: &Holdings, moves: &[Move], connections: usize) -> Result<Report> {
    let middle = |of: fn(&Move) -> u64| {
        median(moves.iter().map(of)).context("measure anything: there were no rounds")
    };
    let (ready_us, serving_us) = (middle(|it| it.ready_us)?, middle(|it| it.serving_us)?);
    let arrived_kib = middle(|it| it.arrived.resident_kib)?;
    let asked_kib = middle(|it| it.asked.resident_kib)?;
    let rate = u64::try_from(connections)? * 1_000_000 / ready_us.max(1);
    let row = |name: &str, whose, unit, moved, accepted| Row {
        name: name.into(),
        whose,
        unit,
        values: vec![Some(moved), accepted],
    };
    let failed = u32::try_from(moves.iter().map(|it| it.failed).sum::<u64>())?;
    Ok(Report {
        bench: "move",
        how: format!(
            "{connections} idle kept connections, moved by an upgrade; each value the median of {}",
            moves.len()
        ),
        columns: vec!["moved".into(), "accepted".into()],
        rows: vec![
            row("all of them", "from ready", "µs", ready_us, None),
            row("", "from serving", "µs", serving_us, None),
            row("rate", "", "/s", rate, None),
            row("processor time", "old process", "µs", middle(|it| it.old_cpu_us)?, None),
            row("", "new process", "µs", middle(|it| it.new_cpu_us)?, None),
            row("resident memory", "idle", "KiB", arrived_kib, None),
            row("", "after use", "KiB", asked_kib, Some(accepted.resident_kib)),
        ],
        goals: vec![
            Goal::growth("µs from ready until all are moved", 0, ready_us, TIME_LIMIT_US),
            Goal::ratio(
                "times the memory of who accepted them",
                arrived_kib,
                accepted.resident_kib,
                1.0,
            ),
            Goal::ratio("times that, after use", asked_kib, accepted.resident_kib, USED_LIMIT),
            Goal::at_most("connections that were lost", f64::from(failed), 0.0),
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_programs;
    use super::*;

    #[test]
    fn all_connections_are_moved_and_alive_each_time() {
        // More than are under way at once, and more than fit in a frame.
        let report = measure(&Programs::Built(&built_programs()), 2, 300).unwrap();
        let [time, memory, used, lost] = &report.goals[..] else { panic!("{report}") };
        assert!([time, memory, used].iter().all(|goal| goal.measured > 0.0), "{report}");
        assert!(lost.is_met(), "{report}");
        let [ready, serving, rate, ..] = &report.rows[..] else { panic!("{report}") };
        assert!(ready.values[0] >= serving.values[0], "{report}");
        assert_eq!(rate.values[0], Some(300_000_000 / ready.values[0].unwrap()), "{report}");
    }

    #[test]
    fn each_finding_has_a_goal_of_its_own() {
        let holdings =
            |resident_kib| Holdings { descriptors: 9, environment_bytes: 9, resident_kib };
        let good = Move {
            ready_us: 100_000,
            serving_us: 99_000,
            old_cpu_us: 90_000,
            new_cpu_us: 80_000,
            arrived: holdings(600),
            asked: holdings(630),
            failed: 0,
        };
        let met = |it: Move| {
            let report = report(&holdings(600), &[it], 10_000).unwrap();
            report.goals.iter().map(Goal::is_met).collect::<Vec<_>>()
        };
        assert_eq!(met(good), [true; 4]);
        assert_eq!(met(Move { ready_us: 100_001, ..good }), [false, true, true, true]);
        assert_eq!(met(Move { arrived: holdings(601), ..good }), [true, false, true, true]);
        assert_eq!(met(Move { asked: holdings(631), ..good }), [true, true, false, true]);
        assert_eq!(met(Move { failed: 1, ..good }), [true, true, true, false]);
        assert!(report(&holdings(1), &[], 1).is_err());
    }
}
