//! From a value to its height in a chart. Refuses to draw.

use crate::report::ticks;

/// How much higher than its highest value a logarithmic chart is, and how much lower it begins.
const MARGIN: f64 = 1.4;

/// A vertical scale: 0 is the top, as in SVG.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Scale {
    kind: Kind,
    low: f64,
    high: f64,
    pub(crate) height: u32,
    /// The values that have a line and a label.
    pub(crate) ticks: Vec<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Linear,
    Logarithmic,
}

impl Scale {
    /// From 0 to the highest of these values.
    pub(crate) fn linear(values: impl Iterator<Item = f64>, height: u32) -> Self {
        let most = values.fold(0.0, f64::max);
        let high = if most > 0.0 { most * 1.08 } else { 1.0 };
        let ticks = ticks::linear(high, 3);
        Self { kind: Kind::Linear, low: 0.0, high, height, ticks }
    }

    /// From the lowest to the highest of these values; what is not above 0 has no place.
    pub(crate) fn logarithmic(values: impl Iterator<Item = f64>, height: u32) -> Self {
        let range = values.filter(|value| *value > 0.0).fold(None, |range, value| {
            let (low, high): (f64, f64) = range.unwrap_or((value, value));
            Some((low.min(value), high.max(value)))
        });
        let (low, high) = range.unwrap_or((1.0, 10.0));
        let (low, high) = (low / MARGIN, high * MARGIN);
        let ticks = ticks::logarithmic(low, high);
        Self { kind: Kind::Logarithmic, low, high, height, ticks }
    }

    /// Where a value is, in pixels from the top.
    pub(crate) fn y(&self, value: f64) -> f64 {
        let share = match self.kind {
            Kind::Linear => (value - self.low) / (self.high - self.low),
            Kind::Logarithmic => {
                (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
            }
        };
        f64::from(self.height) * (1.0 - share.clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linear_scale_begins_at_nothing() {
        let scale = Scale::linear([40.0, 100.0].into_iter(), 108);
        assert_eq!(scale.y(0.0), 108.0);
        assert!((scale.y(100.0) - 8.0).abs() < 1e-9, "some air above: {}", scale.y(100.0));
        assert_eq!(scale.ticks, [0.0, 50.0, 100.0]);
    }

    #[test]
    fn a_logarithmic_scale_has_equal_steps_for_equal_factors() {
        let scale = Scale::logarithmic([100.0, 10_000.0, 0.0].into_iter(), 100);
        let (a, b, c) = (scale.y(100.0), scale.y(1_000.0), scale.y(10_000.0));
        assert!(((a - b) - (b - c)).abs() < 1e-9 && a > b);
        assert!(a < 100.0 && c > 0.0);
        assert_eq!(scale.ticks, [100.0, 1_000.0, 10_000.0]);
    }

    #[test]
    fn without_values_there_is_a_scale_still() {
        for scale in [Scale::linear([].into_iter(), 50), Scale::logarithmic([].into_iter(), 50)] {
            assert!(scale.y(0.0).is_finite() && scale.y(5.0).is_finite(), "{scale:?}");
        }
    }
}
