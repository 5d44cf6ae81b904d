//! Counters and gauges through the `metrics` facade; without the feature, nothing.
//!
//! | name | kind | labels |
//! |---|---|---|
//! | `rekindle_generation` | gauge | |
//! | `rekindle_in_flight` | gauge | |
//! | `rekindle_draining_generations` | gauge | |
//! | `rekindle_upgrades_total` | counter | `verdict` |
//! | `rekindle_upgrade_seconds` | histogram | `verdict` |
//! | `rekindle_cut_total` | counter | |
//! | `rekindle_moved_out_total` | counter | |
//! | `rekindle_moved_in_total` | counter | |
//! | `rekindle_accept_errors_total` | counter | |

use rekindle_core::Generation;

use crate::report::{Report, UpgradeReport};

#[cfg(feature = "metrics")]
#[expect(clippy::cast_precision_loss, reason = "gauges are floats, and counts are small")]
mod facade {
    use metrics::{counter, gauge, histogram};

    use super::{Generation, Report, UpgradeReport};

    pub(crate) fn serving(generation: Generation) {
        gauge!("rekindle_generation").set(generation.number() as f64);
    }

    pub(crate) fn counts(in_flight: u64, draining: usize) {
        gauge!("rekindle_in_flight").set(in_flight as f64);
        gauge!("rekindle_draining_generations").set(draining as f64);
    }

    pub(crate) fn upgraded(report: &UpgradeReport) {
        let verdict = report.verdict.as_str();
        counter!("rekindle_upgrades_total", "verdict" => verdict).increment(1);
        histogram!("rekindle_upgrade_seconds", "verdict" => verdict)
            .record(report.took.as_secs_f64());
    }

    pub(crate) fn finished(report: &Report) {
        counter!("rekindle_cut_total").increment(report.cut);
    }

    pub(crate) fn moved_out() {
        counter!("rekindle_moved_out_total").increment(1);
    }

    pub(crate) fn moved_in(count: u64) {
        counter!("rekindle_moved_in_total").increment(count);
    }

    pub(crate) fn accept_error() {
        counter!("rekindle_accept_errors_total").increment(1);
    }
}

#[cfg(not(feature = "metrics"))]
mod facade {
    use super::{Generation, Report, UpgradeReport};

    pub(crate) const fn serving(_generation: Generation) {}
    pub(crate) const fn counts(_in_flight: u64, _draining: usize) {}
    pub(crate) const fn upgraded(_report: &UpgradeReport) {}
    pub(crate) const fn finished(_report: &Report) {}
    pub(crate) const fn moved_out() {}
    pub(crate) const fn moved_in(_count: u64) {}
    pub(crate) const fn accept_error() {}
}

pub(crate) use facade::{accept_error, counts, finished, moved_in, moved_out, serving, upgraded};
