//! `size`: a number of bytes, with or without a unit.

/// The most that one request carries: what the client holds, once a connection.
const LIMIT: u64 = 64 * 1024 * 1024;

/// Reads `16384`, `16k`, `16KiB`, `1M` or `1MiB`. All units are multiples of 1,024.
pub(super) fn parse(text: &str) -> Result<usize, String> {
    let end = text.find(|character: char| !character.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at(end);
    let factor = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "k" | "kb" | "kib" => 1024,
        "m" | "mb" | "mib" => 1024 * 1024,
        _ => return Err("write it as 16384, 16KiB or 1MiB".to_owned()),
    };
    let number: u64 = digits.parse().map_err(|_| "write it as 16384, 16KiB or 1MiB".to_owned())?;
    match number.checked_mul(factor) {
        Some(bytes) if bytes <= LIMIT => {
            Ok(usize::try_from(bytes).expect("the limit fits into 32 bits"))
        }
        _ => Err("it may be 64MiB at most".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units_of_1024() {
        let table = [
            ("0", 0),
            ("1500", 1500),
            ("16k", 16_384),
            ("16 KiB", 16_384),
            ("16kB", 16_384),
            ("1M", 1_048_576),
            ("64MiB", 67_108_864),
        ];
        for (text, bytes) in table {
            assert_eq!(parse(text), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn what_is_no_size_is_told() {
        for text in ["", "k", "1.5M", "-1", "1G", "16384x", "99999999999999999999"] {
            assert!(parse(text).unwrap_err().contains("write it as"), "{text}");
        }
        for text in ["65MiB", "18446744073709551615k"] {
            assert!(parse(text).unwrap_err().contains("64MiB"), "{text}");
        }
    }
}
