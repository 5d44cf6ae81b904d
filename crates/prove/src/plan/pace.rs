//! Whether a group can ask when and as fast as it shall. Owns these rules; refuses to keep a pace:
//! `pacer` and `flow` do.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::group::{Group, Mode};
use crate::plan::error::PlanError;
use crate::protocol::Protocol;
use crate::request::Request;

/// From one request in a quarter of an hour to more than a machine can make, in requests a second.
const RATES: RangeInclusive<f64> = 0.001..=1_000_000.0;

/// Checks the group in this place of the plan, each of whose requests may take so long.
pub(crate) fn check(place: usize, group: &Group, limit: Duration) -> Result<(), PlanError> {
    if let Some(rate) = group.rate {
        if !RATES.contains(&rate) {
            return Err(PlanError::Rate { group: place, rate: rate.to_string() });
        }
        if matches!(group.mode, Mode::Idle { .. }) || !group.pause.is_zero() {
            return Err(PlanError::RateAndRest { group: place });
        }
    }
    if group.upload_time.is_none() && group.read_rate.is_none() {
        return Ok(());
    }
    if group.protocol != Protocol::Http1 {
        return Err(PlanError::Flow { group: place, protocol: group.protocol });
    }
    if let Some(time) = group.upload_time {
        if !matches!(group.request, Request::Post { body_bytes: 1.., .. }) {
            return Err(PlanError::NothingToUpload { group: place });
        }
        if time >= limit {
            return Err(PlanError::UploadTime { group: place, time, limit });
        }
    }
    match group.read_rate {
        Some(0) => Err(PlanError::ReadRate { group: place }),
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    fn get() -> Group {
        Group::new(Mode::Keep, Request::get("/"))
    }

    fn post(body_bytes: usize) -> Group {
        Group::new(Mode::Keep, Request::post("/", body_bytes))
    }

    #[test]
    fn a_pace_that_cannot_be_kept_is_refused() {
        let group = 3;
        let idle = Mode::Idle { mean_think: Duration::from_secs(1) };
        let streams = Protocol::Http2 { streams: 1 };
        let rate = |rate: &str| PlanError::Rate { group, rate: rate.into() };
        let cases = [
            (get().rate(0.0), rate("0")),
            (get().rate(f64::NAN), rate("NaN")),
            (get().rate(-1.0), rate("-1")),
            (get().rate(f64::INFINITY), rate("inf")),
            (Group::new(idle, Request::get("/")).rate(1.0), PlanError::RateAndRest { group }),
            (get().rate(1.0).pause(LIMIT), PlanError::RateAndRest { group }),
            (get().upload_time(LIMIT / 2), PlanError::NothingToUpload { group }),
            (post(0).upload_time(LIMIT / 2), PlanError::NothingToUpload { group }),
            (
                post(1).upload_time(LIMIT),
                PlanError::UploadTime { group, time: LIMIT, limit: LIMIT },
            ),
            (get().read_rate(0), PlanError::ReadRate { group }),
            (get().read_rate(1).protocol(streams), PlanError::Flow { group, protocol: streams }),
        ];
        for (shape, error) in cases {
            assert_eq!(check(group, &shape, LIMIT), Err(error), "{shape:?}");
        }
    }

    #[test]
    fn all_paces_go_together() {
        let sound = post(1).rate(10.0).read_rate(1).upload_time(LIMIT / 2);
        assert_eq!(check(0, &sound, LIMIT), Ok(()));
        let streams = get().rate(0.001).protocol(Protocol::Http2 { streams: 2 });
        assert_eq!(check(0, &streams, LIMIT), Ok(()));
    }
}
