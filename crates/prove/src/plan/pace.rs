//! When and how fast a group asks. Owns the rules for it; refuses to keep the pace: `pacer` and
//! `flow` do.

use std::ops::RangeInclusive;
use std::time::Duration;

use crate::group::{Group, Mode};
use crate::plan::error::PlanError;
use crate::request::Request;

/// From one request in a quarter of an hour to more than a machine can make, in requests a second.
const RATES: RangeInclusive<f64> = 0.001..=1_000_000.0;

/// Checks the group in this place of the plan, each of whose requests may take so long.
pub(crate) fn check(group: usize, shape: &Group, limit: Duration) -> Result<(), PlanError> {
    if let Some(rate) = shape.rate {
        if !RATES.contains(&rate) {
            return Err(PlanError::Rate { group, rate: rate.to_string() });
        }
        if matches!(shape.mode, Mode::Idle { .. }) || !shape.pause.is_zero() {
            return Err(PlanError::RateAndRest { group });
        }
    }
    if let Some(time) = shape.upload_time
        && time >= limit
    {
        return Err(PlanError::UploadTime { group, time, limit });
    }
    match (shape.upload_time, &shape.request) {
        (Some(_), Request::Post { body_bytes: 1.., .. }) | (None, _) => {}
        (Some(_), Request::Get { .. } | Request::Post { .. } | Request::Message { .. }) => {
            return Err(PlanError::NothingToUpload { group });
        }
    }
    match shape.read_rate {
        Some(0) => Err(PlanError::ReadRate { group }),
        Some(_) if shape.protocol.takes_messages() => {
            Err(PlanError::ReadRateOfMessages { group, protocol: shape.protocol })
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Protocol;

    #[test]
    fn a_pace_that_cannot_be_kept_is_not_started() {
        let get = || Group::new(Mode::Keep, Request::get("/"));
        let post = || Group::new(Mode::Keep, Request::post("/", 100));
        let idle = Mode::Idle { mean_think: Duration::from_secs(1) };
        let limit = Duration::from_secs(10);
        let cases = [
            (get().rate(0.0), PlanError::Rate { group: 0, rate: "0".into() }),
            (get().rate(f64::NAN), PlanError::Rate { group: 0, rate: "NaN".into() }),
            (get().rate(-1.0), PlanError::Rate { group: 0, rate: "-1".into() }),
            (get().rate(f64::INFINITY), PlanError::Rate { group: 0, rate: "inf".into() }),
            (Group::new(idle, Request::get("/")).rate(1.0), PlanError::RateAndRest { group: 0 }),
            (get().rate(1.0).pause(limit), PlanError::RateAndRest { group: 0 }),
            (get().upload_time(limit / 2), PlanError::NothingToUpload { group: 0 }),
            (post().upload_time(limit), PlanError::UploadTime { group: 0, time: limit, limit }),
            (get().read_rate(0), PlanError::ReadRate { group: 0 }),
            (
                get().protocol(Protocol::Echo).read_rate(1),
                PlanError::ReadRateOfMessages { group: 0, protocol: Protocol::Echo },
            ),
        ];
        for (group, error) in cases {
            assert_eq!(check(0, &group, limit), Err(error));
        }
        let sound = post().rate(10.0).read_rate(1).upload_time(limit / 2);
        assert_eq!(check(0, &sound, limit), Ok(()));
    }
}
