//! Proofs for the tests of reports: rich, huge, quiet, empty and hostile ones.

use std::time::Duration;

use crate::account::cause::Cause;
use crate::account::failure::{Failure, FailureKind, Phase};
use crate::account::gap::Gap;
use crate::account::generation::GenerationOutcome;
use crate::account::latency::{Latency, LatencyLog};
use crate::account::outcome::{GroupOutcome, Outcome};
use crate::account::tally::Tally;
use crate::group::Mode;
use crate::proof::Proof;
use crate::proof::restart_outcome::{Change, RestartOutcome, RestartState};
use crate::proof::timeline::{Sample, Timeline};
use crate::proof::window::Window;
use crate::recognise::Responder;
use crate::wrong::WrongAnswer;

const INTERVAL: Duration = Duration::from_millis(100);

/// How a proof shall be made.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) samples: usize,
    pub(crate) restarts: u32,
    pub(crate) groups: usize,
    /// Whether the server loses requests when it restarts.
    pub(crate) loses: bool,
}

/// A minute of a server that loses some requests in ten restarts, of which the seventh changes
/// nothing.
pub(crate) fn rich() -> Proof {
    proof(&Shape { samples: 600, restarts: 10, groups: 4, loses: true })
}

/// As much as a proof can hold.
pub(crate) fn huge() -> Proof {
    proof(&Shape { samples: 1_200, restarts: 1_000, groups: 10, loses: true })
}

/// A server that loses nothing.
pub(crate) fn quiet() -> Proof {
    proof(&Shape { samples: 300, restarts: 5, groups: 2, loses: false })
}

/// A load that was over before anything was counted.
pub(crate) fn empty() -> Proof {
    Proof {
        outcome: Outcome {
            elapsed: Duration::ZERO,
            noticed: 0,
            tally: Tally::default(),
            longest_gap: Gap::default(),
            groups: Vec::new(),
            generations: Vec::new(),
            answered_by_others: 0,
            failures: Vec::new(),
            failures_not_kept: 0,
        },
        restarts_planned: 0,
        restarts: Vec::new(),
        windows: Vec::new(),
        timeline: Timeline { interval: INTERVAL, groups: Vec::new() },
    }
}

/// What a hostile text is recognised by, if it were taken for markup.
pub(crate) const HOSTILE: &str = "\
    </script></title></style><script>alert('x')</script><img src=http://127.0.0.1:9/ onerror=x>\
    \"'`&amp;|\u{202e}\0";

/// As short as a proof with everything in it can be.
pub(crate) const SMALL: Shape = Shape { samples: 20, restarts: 2, groups: 2, loses: true };

/// A small proof in which every text is hostile.
pub(crate) fn hostile() -> Proof {
    let mut proof = proof(&SMALL);
    for group in &mut proof.outcome.groups {
        group.name = HOSTILE.to_owned();
        group.request = HOSTILE.to_owned();
    }
    proof.restarts[0].error = Some(HOSTILE.to_owned());
    proof.restarts[0].state = RestartState::Failed;
    proof
}

pub(crate) fn proof(shape: &Shape) -> Proof {
    let elapsed = INTERVAL * u32::try_from(shape.samples).unwrap() - Duration::from_millis(40);
    let restarts = restarts(shape, elapsed);
    let mut random = fastrand::Rng::with_seed(5);
    let timeline: Vec<Vec<Sample>> = (0..shape.groups)
        .map(|group| {
            let sample = |place| sample(&mut random, shape, &restarts, group, INTERVAL * place);
            (0..u32::try_from(shape.samples).unwrap()).map(sample).collect()
        })
        .collect();
    let groups: Vec<_> = timeline.iter().enumerate().map(|it| group(it.0, it.1)).collect();
    let windows = windows(&restarts, &timeline, elapsed);
    let mut tally = Tally::default();
    groups.iter().for_each(|group| tally += group.tally);
    let failures = failures(&timeline, &groups, &restarts);
    Proof {
        outcome: Outcome {
            elapsed,
            noticed: tally.noticed(),
            tally,
            longest_gap: Gap {
                from: restarts.first().map_or(Duration::ZERO, |restart| restart.at),
                length: Duration::from_micros(if shape.loses { 187_300 } else { 8_400 }),
            },
            groups,
            generations: generations(&restarts, elapsed),
            answered_by_others: 0,
            failures_not_kept: tally.noticed() - failures.len() as u64,
            failures,
        },
        restarts_planned: shape.restarts,
        restarts,
        windows,
        timeline: Timeline { interval: INTERVAL, groups: timeline },
    }
}

fn mode(group: usize) -> (&'static str, Mode, &'static str) {
    match group % 4 {
        0 => ("keep", Mode::Keep, "GET /"),
        1 => ("new", Mode::New, "GET /"),
        2 => {
            let mean_think = Duration::from_millis(100);
            ("idle", Mode::Idle { mean_think }, "GET /feed?since=12")
        }
        _ => ("post", Mode::Keep, "POST /echo (16384 bytes)"),
    }
}

fn restarts(shape: &Shape, elapsed: Duration) -> Vec<RestartOutcome> {
    let every = elapsed / (shape.restarts + 1);
    let restart = |number: u32| {
        let at = every * number;
        let after = Duration::from_millis(60 + u64::from(number * 37 % 90)).min(every / 2);
        let changed = !(shape.loses && number % 10 == 7);
        let responder = responder(number, shape.loses);
        RestartOutcome {
            number,
            at,
            took: Duration::from_micros(u64::from(8_100 + number * 431)),
            delayed: Duration::ZERO,
            state: if changed { RestartState::Changed } else { RestartState::Unchanged },
            error: None,
            change: changed.then_some(Change { at: at + after, responder }),
        }
    };
    (1..=shape.restarts).map(restart).collect()
}

fn responder(restart: u32, loses: bool) -> Responder {
    let unchanged = if loses { (restart + 3) / 10 } else { 0 };
    let generation = u64::from(restart - unchanged.min(restart)) + 1;
    Responder { generation, pid: Some(4_000 + restart * 13) }
}

/// Whether so soon after a restart things go wrong, and after which.
fn trouble(restarts: &[RestartOutcome], at: Duration) -> Option<u32> {
    let last = restarts.iter().rev().find(|restart| restart.at <= at + INTERVAL)?;
    (at < last.at + 2 * INTERVAL).then_some(last.number)
}

fn sample(
    random: &mut fastrand::Rng,
    shape: &Shape,
    restarts: &[RestartOutcome],
    group: usize,
    at: Duration,
) -> Sample {
    let trouble = trouble(restarts, at);
    let usual = [1_930, 410, 96, 720][group % 4];
    let dip = if trouble.is_some() && shape.loses { random.u64(2..6) } else { 10 };
    let answered = (usual * dip / 10 * random.u64(90..=105) / 100).max(1);
    // The last interval is cut short.
    let is_last = at + INTERVAL == INTERVAL * u32::try_from(shape.samples).unwrap();
    let answered = if is_last { answered * 6 / 10 } else { answered };
    let mut tally = Tally { answered, ..Tally::default() };
    if let Some(number) = trouble.filter(|_| shape.loses) {
        let some = |random: &mut fastrand::Rng, most| random.u64(0..=most);
        match (group % 4, number % 4) {
            (1, 1 | 2) => tally.refused = some(random, 9),
            (0, 1) => tally.reset = some(random, 3),
            (0, _) => tally.lost = some(random, 2),
            (2, _) => tally.closed_between_requests = some(random, 5),
            (3, 3) => tally.timed_out = some(random, 1),
            (3, 2) => tally.announced_close = some(random, 4),
            _ => tally.wrong = some(random, 1),
        }
        tally.crossed = tally.lost.min(1);
    }
    tally.started = tally.ended();
    let slow = if trouble.is_some() { random.u64(3..40) } else { 1 };
    let p50 = [420, 1_150, 610, 1_800][group % 4] * random.u64(92..112) / 100;
    // An idle group answers seldom, and in some intervals not at all.
    if group % 4 == 2 && random.u8(0..40) == 0 {
        return Sample { tally: Tally { started: tally.started, ..tally }, ..Sample::default() };
    }
    let p99 = p50 * random.u64(19..26) / 10 * slow.min(8);
    Sample {
        tally,
        p50: Duration::from_micros(p50),
        p99: Duration::from_micros(p99),
        p99_9: Duration::from_micros(p99 * 16 / 10),
        longest: Duration::from_micros(p99 * random.u64(17..60) / 10 * slow.min(6)),
    }
}

fn group(place: usize, samples: &[Sample]) -> GroupOutcome {
    let mut tally = Tally::default();
    samples.iter().for_each(|sample| tally += sample.tally);
    let (name, mode, request) = mode(place);
    let latency = latency(samples);
    let connections = [32, 8, 20, 4][place % 4];
    let name = name.to_owned();
    GroupOutcome {
        name,
        mode,
        request: request.to_owned(),
        connections,
        tally,
        due_not_started: 0,
        latency,
    }
}

fn latency(samples: &[Sample]) -> Latency {
    let log = LatencyLog::new();
    for sample in samples.iter().filter(|sample| !sample.p50.is_zero()) {
        (0..90).for_each(|place| log.record(sample.p50.mul_f64(0.55 + f64::from(place) / 100.0)));
        [sample.p99, sample.longest].into_iter().for_each(|latency| log.record(latency));
    }
    log.latency()
}

fn windows(
    restarts: &[RestartOutcome],
    timeline: &[Vec<Sample>],
    elapsed: Duration,
) -> Vec<Window> {
    let begins: Vec<_> =
        std::iter::once(Duration::ZERO).chain(restarts.iter().map(|it| it.at)).collect();
    let window = |number: usize| {
        let from = begins[number];
        let until = begins.get(number + 1).copied().unwrap_or(elapsed);
        let sum = |samples: &Vec<Sample>| {
            let mut tally = Tally::default();
            for (place, sample) in samples.iter().enumerate() {
                let at = INTERVAL * (u32::try_from(place).unwrap() + 1);
                if (at > from || number == 0) && (at <= until || number + 1 == begins.len()) {
                    tally += sample.tally;
                }
            }
            tally
        };
        let groups: Vec<_> = timeline.iter().map(sum).collect();
        let mut tally = Tally::default();
        groups.iter().for_each(|group| tally += *group);
        Window { restart: u32::try_from(number).unwrap(), from, until, tally, groups }
    };
    (0..begins.len()).map(window).collect()
}

fn generations(restarts: &[RestartOutcome], elapsed: Duration) -> Vec<GenerationOutcome> {
    let first =
        Change { at: Duration::ZERO, responder: Responder { generation: 1, pid: Some(77) } };
    let changes: Vec<_> =
        std::iter::once(first).chain(restarts.iter().filter_map(|it| it.change.clone())).collect();
    let outcome = |(place, change): (usize, &Change)| {
        let next = changes.get(place + 1).map_or(elapsed, |next| next.at);
        let last =
            (next + Duration::from_millis(if place % 3 == 1 { 1_400 } else { 30 })).min(elapsed);
        let answered = ((last - change.at).as_millis() * 31) as u64;
        GenerationOutcome { responder: change.responder, answered, first: change.at, last }
    };
    changes.iter().enumerate().map(outcome).collect()
}

fn failures(
    timeline: &[Vec<Sample>],
    groups: &[GroupOutcome],
    restarts: &[RestartOutcome],
) -> Vec<Failure> {
    let mut failures = Vec::new();
    for (group, samples) in timeline.iter().enumerate() {
        for (place, sample) in samples.iter().enumerate() {
            let at = INTERVAL * u32::try_from(place).unwrap();
            let tally = &sample.tally;
            let of = |kind, count| (0..count).map(move |_| kind);
            let kinds = of(FailureKind::Refused, tally.refused)
                .chain(of(FailureKind::Reset, tally.reset))
                .chain(of(FailureKind::Lost, tally.lost))
                .chain(of(FailureKind::TimedOut, tally.timed_out))
                .chain(of(FailureKind::Wrong, tally.wrong))
                .chain(of(FailureKind::ClosedBetweenRequests, tally.closed_between_requests));
            for (nth, kind) in kinds.enumerate() {
                let at = at + Duration::from_micros(7_919 * nth as u64 % 99_000);
                let mode = groups[group].mode;
                failures.push(failure(kind, at, group, mode, restarts));
            }
        }
    }
    failures.sort_by_key(|failure| failure.at);
    failures
}

fn failure(
    kind: FailureKind,
    at: Duration,
    group: usize,
    mode: Mode,
    restarts: &[RestartOutcome],
) -> Failure {
    let (phase, cause) = match kind {
        FailureKind::Refused => (Phase::Connecting, Cause::System { errno: 111 }),
        FailureKind::Reset => (Phase::Reading, Cause::System { errno: 104 }),
        FailureKind::Lost => (Phase::Awaiting, Cause::EndOfFile),
        FailureKind::TimedOut => (Phase::Awaiting, Cause::TimeLimit),
        FailureKind::Wrong | FailureKind::Unsolicited => {
            (Phase::Reading, WrongAnswer::Status { status: 502 }.into())
        }
        FailureKind::ClosedBetweenRequests => (Phase::Idle, Cause::EndOfFile),
        FailureKind::CouldNotMeasure => (Phase::Connecting, Cause::System { errno: 99 }),
    };
    let is_connected = phase != Phase::Connecting;
    let begun = restarts.iter().filter(|restart| restart.at <= at).count();
    let last = Responder { generation: begun as u64 + 1, pid: Some(4_000) };
    Failure {
        at,
        kind,
        phase,
        cause,
        group,
        mode,
        local_port: is_connected.then_some(40_000 + (at.as_micros() % 20_000) as u16),
        answered_before: if is_connected { at.as_millis() as u64 % 977 } else { 0 },
        crossed: kind == FailureKind::Lost,
        restart: u32::try_from(begun).unwrap(),
        last_responder: is_connected.then_some(last),
        next_responder: Some(Responder { generation: begun as u64 + 2, pid: Some(4_013) }),
        newest_generation: Some(begun as u64 + 1),
    }
}
