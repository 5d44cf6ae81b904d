//! Which values and labels an axis has. Refuses to draw.

/// How wide a chart is at least, in pixels: on a wide page, and on a narrow one of 320 pixels.
const WIDE: f64 = 480.0;
const NARROW: f64 = 215.0;
/// How many pixels are between two labels.
const GAP: f64 = 3.0;

/// Where a label is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Room {
    /// On any page.
    Always,
    /// Only where the page is wide.
    Wide,
    /// Nowhere: it would touch another one.
    Never,
}

/// Multiples of 1, 2 or 5 times a power of ten from 0 to `most`, no more than `count` steps.
pub(crate) fn linear(most: f64, count: usize) -> Vec<f64> {
    let rough = most / count.max(1) as f64;
    if !rough.is_finite() || rough <= 0.0 {
        return vec![0.0];
    }
    let step = step_above(rough);
    let steps = (most / step + 1e-9).floor() as usize;
    (0..=steps).map(|place| place as f64 * step).collect()
}

/// The smallest of 1, 2 and 5 times a power of ten that is not below.
fn step_above(rough: f64) -> f64 {
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|step| *step >= rough * (1.0 - 1e-9)).unwrap_or(10.0 * power)
}

/// Powers of ten from `low` to `high`; where those are fewer than two, 2 and 5 times them as well.
pub(crate) fn logarithmic(low: f64, high: f64) -> Vec<f64> {
    let decades = multiples(low, high, &[1.0]);
    if decades.len() >= 2 { decades } else { multiples(low, high, &[1.0, 2.0, 5.0]) }
}

fn multiples(low: f64, high: f64, factors: &[f64]) -> Vec<f64> {
    let (first, last) = (low.log10().floor() as i32, high.log10().ceil() as i32);
    (first..=last)
        .flat_map(|decade| factors.iter().map(move |factor| factor * 10_f64.powi(decade)))
        .filter(|value| (low..=high).contains(value))
        .collect()
}

/// A label in the middle above its place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Label {
    /// From 0 to 1.
    pub(crate) place: f64,
    /// In pixels.
    pub(crate) width: f64,
}

impl Label {
    fn begin(self, page: f64) -> f64 {
        self.place * page - self.width / 2.0
    }

    fn end(self, page: f64) -> f64 {
        self.place * page + self.width / 2.0
    }
}

/// Which of these labels, in their order, have room beside each other.
pub(crate) fn rooms(labels: &[Label]) -> Vec<Room> {
    let (mut end_wide, mut end_narrow) = (f64::NEG_INFINITY, f64::NEG_INFINITY);
    let room = |label: &Label| {
        if label.begin(WIDE) < end_wide + GAP {
            return Room::Never;
        }
        end_wide = label.end(WIDE);
        // Those of a narrow page are some of those of a wide one, so that none touch there either.
        if label.begin(NARROW) < end_narrow + GAP {
            return Room::Wide;
        }
        end_narrow = label.end(NARROW);
        Room::Always
    };
    labels.iter().map(room).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_few() {
        assert_eq!(linear(10.0, 5), [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]);
        assert_eq!(linear(19_340.0, 2), [0.0, 10_000.0]);
        assert_eq!(linear(61.2, 10), [0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0]);
        for most in [0.001, 0.3, 1.0, 7.7, 123.4, 9e9] {
            let ticks = linear(most, 10);
            assert!((2..=11).contains(&ticks.len()), "{most}: {ticks:?}");
        }
        for nothing in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(linear(nothing, 5), [0.0]);
        }
    }

    #[test]
    fn powers_of_ten_and_more_where_those_are_few() {
        assert_eq!(logarithmic(80.0, 20_000.0), [100.0, 1_000.0, 10_000.0]);
        assert_eq!(logarithmic(150.0, 900.0), [200.0, 500.0]);
        assert_eq!(logarithmic(150.0, 2_100.0), [200.0, 500.0, 1_000.0, 2_000.0]);
    }

    #[test]
    fn labels_never_touch() {
        let label = |place: u32| Label { place: f64::from(place) / 200.0, width: 20.0 };
        let labels: Vec<_> = (0..200).map(label).collect();
        let rooms = rooms(&labels);
        let least = |page: f64, shown: fn(&Room) -> bool| {
            let shown: Vec<_> =
                labels.iter().zip(&rooms).filter(|(_, room)| shown(room)).map(|it| *it.0).collect();
            assert!(shown.len() as f64 > page / 40.0, "{}", shown.len());
            let gaps = shown.windows(2).map(|two| two[1].begin(page) - two[0].end(page));
            gaps.fold(f64::INFINITY, f64::min)
        };
        assert!(least(WIDE, |room| *room != Room::Never) >= GAP);
        assert!(least(NARROW, |room| *room == Room::Always) >= GAP);
        let few = [0.1, 0.5, 0.9].map(|place| Label { place, width: 30.0 });
        assert_eq!(super::rooms(&few), [Room::Always; 3]);
    }
}
