//! Durations as people write them: a whole number and a unit.

use std::time::Duration;

/// The units, and how many nanoseconds each has.
const UNITS: [(&str, u64); 5] = [
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60 * 1_000_000_000),
    ("h", 3_600 * 1_000_000_000),
];

/// What is expected, for messages.
pub const EXPECTED: &str =
    "expected a whole number with its unit (us, ms, s, m or h), as \"250ms\"";

/// The duration that `text` says.
///
/// # Errors
///
/// Why it says none, and what was expected.
pub fn parse(text: &str) -> Result<Duration, String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    if number.is_empty() {
        return Err(EXPECTED.to_owned());
    }
    if unit.is_empty() {
        return Err(format!("it has no unit; {EXPECTED}"));
    }
    let Some((_, nanos)) = UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(EXPECTED.to_owned());
    };
    let total = number.parse::<u64>().ok().and_then(|number| number.checked_mul(*nanos));
    match total {
        Some(total) => Ok(Duration::from_nanos(total)),
        None => Err("it is too long; expected at most 584 years".to_owned()),
    }
}

/// A duration in the largest unit that says it in a whole number.
pub fn show(duration: Duration) -> String {
    let nanos = duration.as_nanos();
    let unit = UNITS
        .iter()
        .rev()
        .find(|(_, size)| nanos != 0 && nanos.is_multiple_of(u128::from(*size)))
        .unwrap_or(&("us", 1_000));
    format!("{}{}", nanos / u128::from(unit.1), unit.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_with_their_unit() {
        assert_eq!(parse("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(parse("1s"), Ok(Duration::from_secs(1)));
        assert_eq!(parse("1m"), Ok(Duration::from_secs(60)));
        assert_eq!(parse("0us"), Ok(Duration::ZERO));
    }

    #[test]
    fn what_is_no_duration_is_refused_with_the_reason() {
        assert!(parse("250").unwrap_err().contains("no unit"));
        assert!(parse("").unwrap_err().contains("expected a whole number"));
        assert!(parse("1.5s").unwrap_err().contains("expected a whole number"));
        assert!(parse("-1s").unwrap_err().contains("expected a whole number"));
        assert!(parse("1 s").unwrap_err().contains("expected a whole number"));
        assert!(parse("1fortnight").unwrap_err().contains("us, ms, s, m or h"));
    }

    #[test]
    fn durations_beyond_the_clock_are_refused_without_overflow() {
        assert!(parse("18446744073s").is_ok());
        assert!(parse("18446744074s").unwrap_err().contains("too long"));
        assert!(parse("99999999999999999999999ms").unwrap_err().contains("too long"));
    }

    #[test]
    fn durations_are_shown_as_they_are_written() {
        for text in ["250ms", "1s", "1m", "7us", "90s", "2h"] {
            assert_eq!(show(parse(text).unwrap()), text);
        }
        assert_eq!(show(Duration::ZERO), "0us");
    }
}
