//! A process: its machines, and what the system holds for it.

use std::collections::{BTreeMap, BTreeSet};

use rekindle_core::{
    Generation, Instant, Intake, Life, Moves, NewSide, Offer, Phase, Settings, Tally, Text,
};

use crate::channel::End;
use crate::moving::Connection;
use crate::program::{Conduct, Program};
use crate::world::{PATIENCE, Pid};

/// A process that was started and has not been forgotten.
#[derive(Debug)]
pub(crate) struct Process {
    pub(crate) program: Program,
    pub(crate) condition: Condition,
    pub(crate) origin: Origin,
    pub(crate) life: Life,
    pub(crate) generation: Generation,
    /// The names of the listeners that it holds, in the order of its offer.
    pub(crate) listeners: Vec<String>,
    pub(crate) accepting: BTreeSet<String>,
    pub(crate) upgrade: Option<Upgrade>,
    pub(crate) elders: BTreeMap<Generation, End>,
    /// Children that ended and are not reaped.
    pub(crate) zombies: Vec<Pid>,
    pub(crate) in_flight: u64,
    /// The kept connections that it serves.
    pub(crate) connections: BTreeSet<Connection>,
    pub(crate) moves: Moves<Connection>,
    /// Those that its moves have.
    pub(crate) moving: BTreeSet<Connection>,
    pub(crate) intakes: BTreeMap<Generation, Intake<Connection>>,
    /// When it last stopped accepting anything.
    pub(crate) left_at: Option<Instant>,
    /// Whether it gave its predecessor the word that there is no way back.
    pub(crate) confirmed: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Condition {
    Runs,
    Hangs,
    Dead,
}

/// Where a process came from, and what it is as long as it does not serve.
#[derive(Debug)]
pub(crate) enum Origin {
    First,
    New(Box<Newcomer>),
    TookOver { parent: Option<Pid> },
}

/// A process that has yet to take over.
#[derive(Debug)]
pub(crate) struct Newcomer {
    pub(crate) side: NewSide,
    pub(crate) channel: Option<End>,
    pub(crate) old: Pid,
    /// Who reaps it.
    pub(crate) parent: Option<Pid>,
    /// The offer as the program took it, and the ends that came with it.
    pub(crate) offer: Offer,
    pub(crate) ends: Vec<End>,
    pub(crate) started: bool,
}

/// An upgrade that a process runs, and its channel for as long as it drains.
#[derive(Debug)]
pub(crate) struct Upgrade {
    /// Which of all attempts in the world.
    pub(crate) attempt: usize,
    pub(crate) channel: Option<End>,
    pub(crate) child: Option<Pid>,
    /// The phase that it entered last.
    pub(crate) phase: Phase,
    /// When its probation ends, once that has begun.
    pub(crate) probation_ends: Option<Instant>,
    pub(crate) over: bool,
}

impl Process {
    /// One that begins a service.
    pub(crate) fn first(settings: Settings, program: Program) -> Self {
        let life = Life::new(settings, program.versions, 0);
        Self {
            program,
            condition: Condition::Runs,
            origin: Origin::First,
            life,
            generation: Generation::FIRST,
            listeners: Vec::new(),
            accepting: BTreeSet::new(),
            upgrade: None,
            elders: BTreeMap::new(),
            zombies: Vec::new(),
            in_flight: 0,
            connections: BTreeSet::new(),
            moves: Moves::new(),
            moving: BTreeSet::new(),
            intakes: BTreeMap::new(),
            left_at: None,
            confirmed: false,
        }
    }

    /// One that finds the old process `old` at the other end of `channel`.
    pub(crate) fn newcomer(
        now: Instant,
        pid: Pid,
        settings: Settings,
        program: Program,
        (old, channel, parent): (Pid, End, Option<Pid>),
    ) -> Self {
        let number = u32::try_from(pid).expect("few processes");
        let build = Text::from("next");
        let mut process = Self::first(settings, program);
        let versions = process.program.versions;
        process.origin = Origin::New(Box::new(Newcomer {
            side: NewSide::new(now, versions, number, build, PATIENCE),
            channel: Some(channel),
            old,
            parent,
            offer: Offer::default(),
            ends: Vec::new(),
            started: false,
        }));
        if process.program.conduct == Conduct::HangsAtOnce {
            process.condition = Condition::Hangs;
        }
        process
    }

    pub(crate) fn is_alive(&self) -> bool {
        self.condition != Condition::Dead
    }

    pub(crate) const fn new_side(&self) -> Option<&Newcomer> {
        match &self.origin {
            Origin::New(newcomer) => Some(newcomer),
            Origin::First | Origin::TookOver { .. } => None,
        }
    }

    pub(crate) const fn new_side_mut(&mut self) -> Option<&mut Newcomer> {
        match &mut self.origin {
            Origin::New(newcomer) => Some(newcomer),
            Origin::First | Origin::TookOver { .. } => None,
        }
    }

    /// Who reaps it.
    pub(crate) const fn parent(&self) -> Option<Pid> {
        match &self.origin {
            Origin::First => None,
            Origin::New(newcomer) => newcomer.parent,
            Origin::TookOver { parent } => *parent,
        }
    }

    /// The ends that it holds.
    pub(crate) fn ends(&self) -> impl Iterator<Item = End> {
        let up = self.new_side().into_iter();
        let up = up.flat_map(|newcomer| newcomer.channel.iter().chain(&newcomer.ends));
        let upgrade = self.upgrade.iter().filter_map(|upgrade| upgrade.channel.as_ref());
        up.chain(upgrade).chain(self.elders.values()).copied()
    }

    /// What it has.
    pub(crate) fn tally(&self) -> Tally {
        let kept = self.connections.len() + self.moving.len();
        let in_flight = self.in_flight + kept as u64;
        Tally { in_flight, resting: 0, moved: self.moves.moved() }
    }

    /// The ends that it reads: of its elders only as long as it is the one to.
    pub(crate) fn reads(&self) -> Vec<End> {
        let up = self.new_side().and_then(|newcomer| newcomer.channel);
        let upgrade = self.upgrade.as_ref().and_then(|upgrade| upgrade.channel);
        let elders = self.elders.iter().filter(|(elder, _)| self.life.reads(**elder));
        up.into_iter().chain(upgrade).chain(elders.map(|(_, end)| *end)).collect()
    }

    /// When it has to be woken if nothing happens before.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let side = self.new_side().and_then(|newcomer| newcomer.side.poll_timeout());
        side.into_iter().chain(self.life.poll_timeout()).min()
    }
}
