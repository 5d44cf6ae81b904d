//! How a time appears in a report: whole microseconds, so that no reader has to join two fields.

use std::time::Duration;

use serde::Serializer;

/// For `#[serde(serialize_with)]`; the field's name then ends in `_us`.
pub(crate) fn serialize<S: Serializer>(time: &Duration, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_u64(saturating(*time))
}

/// A time in whole microseconds, at most `u64::MAX`.
pub(crate) fn saturating(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_whole_microseconds() {
        assert_eq!(saturating(Duration::from_nanos(1_999)), 1);
        assert_eq!(saturating(Duration::MAX), u64::MAX);
        let written = serialize(&Duration::from_millis(3), serde_json::value::Serializer).unwrap();
        assert_eq!(written, 3_000);
    }
}
