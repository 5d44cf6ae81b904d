//! `bench chain`: what the last process of a long chain of upgrades holds, beside the second one.
//!
//! The second and not the first, as it is the first that was handed its listeners over. Whatever
//! a hand-over leaves behind would add up from one to the next.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::process::Holdings;
use super::report::{Goal, Report, Row};
use super::server::Server;

/// How much more memory the last may have, in KiB: what the kernel counts as resident differs by
/// about that between equal processes, with the pages that happen to be mapped.
const RESIDENT_GROWTH_LIMIT_KIB: u32 = 512;

/// How long the last may take to be rid of what its elders left.
const SETTLE_TIMEOUT: Duration = Duration::from_secs(5);
const SETTLE_INTERVAL: Duration = Duration::from_millis(10);

pub(crate) fn measure(program: &Path, upgrades: usize) -> Result<Report> {
    ensure!(upgrades >= 2, "compare generations: it takes two upgrades at least");
    let (mut server, _) = Server::start(program, 1)?;
    server.upgrade()?;
    server.await_alone()?;
    let second = server.newest()?.holdings()?;
    for _ in 1..upgrades {
        server.upgrade()?;
        server.await_alone()?;
    }
    let last = settled(&server, &second)?;
    server.stop()?;
    let last_generation = upgrades + 1;
    Ok(Report {
        bench: "chain",
        how: format!("what a process holds after {upgrades} upgrades in a chain"),
        columns: vec!["generation 2".into(), format!("generation {last_generation}")],
        rows: rows(&second, &last),
        goals: goals(&second, &last),
    })
}

/// What the newest holds. The end of an elder reaches it a little after we see it, so what is too
/// much is looked at again for a while: no event says that there is nothing more to come.
fn settled(server: &Server, as_of: &Holdings) -> Result<Holdings> {
    let deadline = Instant::now() + SETTLE_TIMEOUT;
    loop {
        let holdings = server.newest()?.holdings()?;
        if holdings.descriptors <= as_of.descriptors || Instant::now() > deadline {
            return Ok(holdings);
        }
        thread::sleep(SETTLE_INTERVAL);
    }
}

fn rows(second: &Holdings, last: &Holdings) -> Vec<Row> {
    let row = |name: &str, unit, of: fn(&Holdings) -> u64| Row {
        name: name.into(),
        whose: "",
        unit,
        values: vec![Some(of(second)), Some(of(last))],
    };
    vec![
        row("descriptors", "", |it| it.descriptors),
        row("environment", "bytes", |it| it.environment_bytes),
        row("resident memory", "KiB", |it| it.resident_kib),
    ]
}

fn goals(second: &Holdings, last: &Holdings) -> Vec<Goal> {
    let growth = |name: &str, of: fn(&Holdings) -> u64, limit| {
        Goal::growth(name, of(second), of(last), limit)
    };
    vec![
        growth("descriptors more", |it| it.descriptors, 0),
        growth("bytes of environment more", |it| it.environment_bytes, 0),
        growth("KiB of memory more", |it| it.resident_kib, RESIDENT_GROWTH_LIMIT_KIB),
    ]
}

#[cfg(test)]
mod tests {
    use super::super::programs::built_server;
    use super::*;

    const SECOND: Holdings =
        Holdings { descriptors: 20, environment_bytes: 900, resident_kib: 5_000 };

    #[test]
    fn a_chain_is_followed_and_leaves_nothing_behind() {
        let report = measure(&built_server(), 6).unwrap();
        assert_eq!(report.columns, ["generation 2", "generation 7"]);
        let [descriptors, environment, _] = &report.goals[..] else { panic!("{report}") };
        assert!(descriptors.is_met() && environment.is_met(), "{report}");
    }

    #[test]
    fn each_holding_has_a_goal_of_its_own() {
        let leaks = [
            Holdings { descriptors: 21, ..SECOND },
            Holdings { environment_bytes: 901, ..SECOND },
            Holdings { resident_kib: 5_513, ..SECOND },
        ];
        for (index, leak) in leaks.iter().enumerate() {
            let met: Vec<bool> = goals(&SECOND, leak).iter().map(Goal::is_met).collect();
            let expected: Vec<bool> = (0..3).map(|goal| goal != index).collect();
            assert_eq!(met, expected, "{leak:?}");
        }
        assert!(goals(&SECOND, &SECOND).iter().all(Goal::is_met));
    }

    #[test]
    fn one_upgrade_is_no_chain() {
        assert!(measure(Path::new("true"), 1).is_err());
    }
}
