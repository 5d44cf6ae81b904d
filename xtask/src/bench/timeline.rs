//! When one start or one upgrade came how far, and what of its time is whose.

use std::collections::BTreeMap;

use super::moment::Moment;

/// The moments of one start or upgrade.
#[derive(Debug, Clone, Default)]
pub(crate) struct Timeline {
    at_ns: BTreeMap<Moment, u64>,
}

/// A part of the time: from the last of the moments before `to` that there was.
#[derive(Debug)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) whose: &'static str,
    to: Moment,
}

/// The parts, of which the whole is the sum.
pub(crate) const PARTS: [Part; 7] = [
    Part { name: "hear the signal", whose: "old process", to: Moment::Spawning },
    Part { name: "spawn, exec, load", whose: "system", to: Moment::Main },
    Part { name: "start a runtime", whose: "program", to: Moment::Runtime },
    Part { name: "greeting and offer", whose: "rekindle", to: Moment::Offered },
    Part { name: "claim listeners", whose: "rekindle", to: Moment::Claimed },
    Part { name: "ready, commit", whose: "rekindle", to: Moment::Serving },
    Part { name: "first answer", whose: "program", to: Moment::Answered },
];

impl Timeline {
    pub(crate) fn note(&mut self, moment: Moment, at_ns: u64) {
        self.at_ns.insert(moment, at_ns);
    }

    /// When a moment was, if it was.
    pub(crate) fn at_ns(&self, moment: Moment) -> Option<u64> {
        self.at_ns.get(&moment).copied()
    }

    /// How long a part took; nothing if there was none such.
    pub(crate) fn part_ns(&self, part: &Part) -> Option<u64> {
        let end = self.at_ns.get(&part.to)?;
        let (_, start) = self.at_ns.range(..part.to).next_back()?;
        Some(end.saturating_sub(*start))
    }

    /// How long it took from the beginning to the answer.
    pub(crate) fn total_ns(&self) -> Option<u64> {
        let (start, end) = (self.at_ns.get(&Moment::Begun)?, self.at_ns.get(&Moment::Answered)?);
        Some(end.saturating_sub(*start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(moments: &[(Moment, u64)]) -> Timeline {
        let mut timeline = Timeline::default();
        for (moment, at_ns) in moments {
            timeline.note(*moment, *at_ns);
        }
        timeline
    }

    const UPGRADE: [(Moment, u64); 8] = [
        (Moment::Begun, 100),
        (Moment::Spawning, 110),
        (Moment::Main, 210),
        (Moment::Runtime, 220),
        (Moment::Offered, 250),
        (Moment::Claimed, 251),
        (Moment::Serving, 291),
        (Moment::Answered, 300),
    ];

    #[test]
    fn the_parts_are_the_whole() {
        let upgrade = timeline(&UPGRADE);
        let parts: Vec<_> = PARTS.iter().map(|part| upgrade.part_ns(part).unwrap()).collect();
        assert_eq!(parts, [10, 100, 10, 30, 1, 40, 9]);
        assert_eq!(upgrade.total_ns(), Some(parts.iter().sum()));
    }

    #[test]
    fn a_cold_start_has_no_old_process() {
        let start = timeline(&[UPGRADE[0], UPGRADE[2], UPGRADE[7]]);
        assert_eq!(start.part_ns(&PARTS[0]), None);
        assert_eq!(start.part_ns(&PARTS[1]), Some(110), "from the beginning");
        assert_eq!(start.part_ns(&PARTS[6]), Some(90));
        assert_eq!(start.total_ns(), Some(200));
    }

    #[test]
    fn what_has_not_ended_has_no_total() {
        assert_eq!(timeline(&UPGRADE[..7]).total_ns(), None);
    }
}
