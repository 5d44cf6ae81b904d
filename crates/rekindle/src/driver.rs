//! The driver: the one thread that owns the machine of this process's life and carries out what
//! it decides.
//!
//! It sleeps in `poll(2)` on all that can happen (a request of the program, a signal, a word on a
//! channel, the end of a child, an operator) and on the machine's next deadline, tells the machine
//! and does what the machine says. It is a thread and not a task, so that an upgrade goes on
//! however busy the program's runtime is, and so that both faces have the same one.

mod actions;
mod arrivals;
mod beginning;
mod departures;
mod elders;
mod notices;
mod operators;
mod poll_set;
mod porter;
mod successor;
mod upgrading;

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::fd::AsFd;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant as SystemInstant};
use std::{io, thread};

use rekindle_core::{
    Ending, Event, Life, LifePhase, Moves, NewFailure, OldEvent, PROTOCOL, Settings, Tally, Text,
};
use rekindle_unix::{FrameBuffer, Notifier, PidFile, Program, Signal, Signals, die_by};
use rustix::event::{PollFd, PollFlags, poll};
use tracing::{error, info, warn};

use self::elders::ElderLinks;
use self::notices::Notices;
use self::operators::Operators;
use self::poll_set::{Token, wait};
use self::porter::Porter;
use self::successor::Successor;
use self::upgrading::Attempt;
use crate::clock::Clock;
use crate::held::Held;
use crate::hooks::Hooks;
use crate::incoming::Incoming;
use crate::moves::{Departure, Mailbox, Parcel};
use crate::shared::{Command, Shared, Stage};
use crate::signal_policy::{SignalAction, SignalPolicy};
use crate::states::StateOffer;

/// What the driver is made of.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) shared: Arc<Shared>,
    pub(crate) settings: Settings,
    pub(crate) build: Text,
    pub(crate) hooks: Hooks,
    pub(crate) policy: SignalPolicy,
    pub(crate) signals: Option<Signals>,
    pub(crate) notifier: Option<Notifier>,
    pub(crate) program: Option<Program>,
    pub(crate) pid_file: PidFileState,
    pub(crate) incoming: Option<Incoming>,
    pub(crate) control: Option<Arc<Held>>,
    pub(crate) rendezvous: Option<Arc<Held>>,
}

/// The pid file, if the program has one.
#[derive(Debug, Default)]
pub(crate) enum PidFileState {
    #[default]
    None,
    /// It names the old process, and will be ours when we serve.
    Predecessors(PathBuf),
    Ours(PidFile),
}

/// The driver.
#[derive(Debug)]
pub(crate) struct Driver {
    life: Life,
    clock: Clock,
    shared: Arc<Shared>,
    settings: Settings,
    hooks: Hooks,
    policy: SignalPolicy,
    signals: Option<Signals>,
    notices: Notices,
    program: Option<Program>,
    pid_file: PidFileState,
    incoming: Option<Incoming>,
    held: Vec<Arc<Held>>,
    /// Those that nobody will accept on once their queues are empty.
    last_calls: Vec<Arc<Held>>,
    /// Which of those held another process accepts on, by position and in that order.
    claimed: Vec<u32>,
    /// What the program remembers, for the next process.
    states: Vec<StateOffer>,
    elders: ElderLinks,
    /// Where connections go that elders move here.
    mailboxes: Vec<Mailbox>,
    moved_in: u64,
    moves: Moves<Parcel>,
    /// What the program gave away, while it is taken in.
    departures: VecDeque<Departure>,
    successor: Option<Successor>,
    attempt: Option<Attempt>,
    /// Arguments for the process that is about to be started, if not ours.
    arguments: Option<Vec<OsString>>,
    operators: Operators,
    rendezvous: Porter,
    ending: Option<Ending>,
    /// The signal by whose default action the process dies, if it has to.
    last_signal: Signal,
    buffer: FrameBuffer,
}

impl Driver {
    /// Starts the driver's thread.
    pub(crate) fn start(parts: Parts) -> io::Result<()> {
        let mut driver = Self::new(parts);
        thread::Builder::new().name("rekindle".into()).spawn(move || {
            let run = catch_unwind(AssertUnwindSafe(|| driver.run()));
            // Whoever gives a connection away from here on has it back at once. After a defect
            // there may be another, which must not be in the way of what follows.
            let _ = catch_unwind(AssertUnwindSafe(|| {
                driver.cut_moves();
                driver.shared.outbox.close();
            }));
            if run.is_err() {
                driver.stay_stoppable();
            }
        })?;
        Ok(())
    }

    fn new(parts: Parts) -> Self {
        Self {
            life: Life::new(parts.settings.clone(), PROTOCOL, std::process::id()),
            clock: Clock::start(),
            settings: parts.settings,
            hooks: parts.hooks,
            policy: parts.policy,
            signals: parts.signals,
            notices: Notices::new(parts.notifier),
            program: parts.program,
            pid_file: parts.pid_file,
            incoming: parts.incoming,
            held: Vec::new(),
            last_calls: Vec::new(),
            claimed: Vec::new(),
            states: Vec::new(),
            elders: ElderLinks::default(),
            mailboxes: Vec::new(),
            moved_in: 0,
            moves: Moves::new(),
            departures: VecDeque::new(),
            successor: None,
            attempt: None,
            arguments: None,
            operators: Operators::new(parts.control, parts.build),
            rendezvous: Porter::new(parts.rendezvous),
            ending: None,
            last_signal: Signal::Term,
            buffer: FrameBuffer::new(),
            shared: parts.shared,
        }
    }

    fn run(&mut self) {
        while !self.is_over() {
            for token in wait(self) {
                self.dispatch(token);
                self.carry_out();
            }
            self.count();
            self.life.tick(self.clock.now());
            self.flush();
            self.carry_out();
        }
    }

    /// Nobody is left to be told anything. With signals there always is: a process that goes on
    /// after its drain has to be stoppable.
    fn is_over(&self) -> bool {
        self.signals.is_none()
            && matches!(self.life.phase(), LifePhase::Starting | LifePhase::Ended)
            && Arc::strong_count(&self.shared) == 1
    }

    /// A panic here is a defect of ours. The program serves on without upgrades; what must not
    /// happen is that it cannot be stopped any more, since its signals come to us.
    fn stay_stoppable(&mut self) {
        error!(
            "the driver of upgrades has failed: the service goes on without, until it is stopped"
        );
        let words = Text::from("the driver of upgrades has failed");
        self.shared.stage.change(|stage| {
            if *stage == Stage::Starting {
                *stage = Stage::Failed(NewFailure::GaveUp(words));
            }
        });
        let Some(mut signals) = self.signals.take() else { return };
        loop {
            let mut set = [PollFd::from_borrowed_fd(signals.as_fd(), PollFlags::IN)];
            let _ = poll(&mut set, None);
            for signal in signals.pending() {
                if self.policy.stops(signal) {
                    die_by(signal);
                }
            }
        }
    }

    fn dispatch(&mut self, token: Token) {
        match token {
            Token::Bell => self.answer_bell(),
            Token::Signals => self.answer_signals(),
            Token::Old => self.pump_incoming(),
            Token::Successor => self.pump_successor(),
            Token::Child => self.reap(),
            Token::Elder(generation) => self.pump_elder(generation),
            Token::Rendezvous => self.meet(),
            Token::Control => self.operators.accept(),
            Token::Operator(number) => self.answer_operator(number),
        }
    }

    /// When to wake up without any event.
    fn timeout(&self) -> Option<Duration> {
        let now = SystemInstant::now();
        let machine = self.life.poll_timeout().map(|moment| self.clock.until(moment));
        let successor = self.successor.as_ref().and_then(Successor::retry_at);
        let (operators, rendezvous) = (self.operators.retry_at(), self.rendezvous.retry_at());
        let incoming = self.incoming.as_ref().and_then(Incoming::retry_at);
        let retries = [self.elders.retry_at(), successor, incoming, operators, rendezvous];
        let retries = retries.into_iter().flatten().map(|at| at.saturating_duration_since(now));
        retries.chain(machine).min()
    }

    /// Tells the machine what is in flight. Whoever waits in a queue after the last call is as
    /// well: between two that are accepted there may be none.
    fn count(&mut self) {
        let waiting = self.last_calls.iter().filter(|held| held.has_somebody_waiting()).count();
        let waiting = u64::try_from(waiting).unwrap_or(u64::MAX);
        let (in_flight, resting) = self.shared.tracker.counts();
        let in_flight = in_flight.saturating_add(waiting);
        let tally = Tally { in_flight, resting, moved: self.moves.moved() };
        self.life.handle(self.clock.now(), Event::InFlight(tally));
    }

    fn flush(&mut self) {
        self.elders.flush();
        self.answer_elders();
        if let Some(successor) = &mut self.successor {
            successor.flush();
        }
        if let Some(incoming) = &mut self.incoming {
            incoming.flush();
        }
        self.move_on();
        let now = SystemInstant::now();
        self.operators.tick(now);
        self.rendezvous.tick(now);
    }

    fn answer_bell(&mut self) {
        self.shared.bell().silence();
        self.move_on();
        while let Some(command) = self.shared.next_command() {
            match command {
                Command::Ready(claimed) => self.ready(claimed),
                Command::Abandon(words) => self.abandon(words),
                Command::Upgrade { arguments, ticket } => {
                    if let Err(refusal) = self.begin_upgrade(arguments, Some(ticket.clone())) {
                        ticket.settle(Err(refusal));
                    }
                }
                Command::Stop => self.life.stop(self.clock.now()),
                Command::Hammer => self.hammer_by("the program"),
            }
            self.carry_out();
        }
    }

    fn answer_signals(&mut self) {
        let Some(signals) = &mut self.signals else {
            return;
        };
        let pending: Vec<Signal> = signals.pending().collect();
        // Hooks are called while the driver acts, so the policy is taken out for that long.
        let mut policy = std::mem::take(&mut self.policy);
        for signal in pending {
            policy.deliver(signal, |action| self.act_on(signal, action));
        }
        self.policy = policy;
    }

    fn act_on(&mut self, signal: Signal, action: SignalAction) {
        info!(%signal, ?action, "signal");
        match action {
            SignalAction::Upgrade => {
                if let Err(refusal) = self.begin_upgrade(None, None) {
                    warn!(%signal, %refusal, "no upgrade");
                }
            }
            SignalAction::Stop => {
                self.last_signal = signal;
                self.life.stop(self.clock.now());
            }
            SignalAction::Hammer => self.hammer_by(signal.name()),
            SignalAction::Hook => {}
        }
        self.carry_out();
    }

    fn hammer_by(&mut self, whom: &str) {
        // What was finished since the last count is not cut.
        self.count();
        match self.life.hammer(self.clock.now()) {
            Ok(processes) => info!(processes, by = whom, "the hammer falls"),
            Err(refusal) => info!(%refusal, by = whom, "no hammer"),
        }
    }

    fn upgrade_event(&mut self, event: OldEvent) {
        self.life.handle(self.clock.now(), Event::Upgrade(event));
    }

    fn set_stage(&self, stage: Stage) {
        self.shared.stage.change(|current| *current = stage);
    }

    /// Ends the process by the default action of the signal that asked for it.
    fn die(&mut self) -> ! {
        warn!(signal = %self.last_signal, "stopped at once");
        // No destructor runs after this.
        drop(std::mem::take(&mut self.pid_file));
        die_by(self.last_signal)
    }
}
