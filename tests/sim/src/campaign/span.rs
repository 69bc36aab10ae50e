//! Durations as people write them: a number and a unit.

use std::time::Duration;

/// Units with their length in nanoseconds, longest first.
const UNITS: [(&str, u128); 5] =
    [("min", 60_000_000_000), ("ms", 1_000_000), ("us", 1_000), ("ns", 1), ("s", 1_000_000_000)];

/// What is expected of a duration, for messages.
pub(crate) const EXPECTED: &str = "expected a number and a unit, as 250ms (ns, us, ms, s, min)";

/// The duration that `text` says, to the nanosecond: `250ms`, `1.5s`.
pub fn parse(text: &str) -> Option<Duration> {
    let (number, unit) =
        UNITS.iter().find_map(|(unit, ns)| Some((text.strip_suffix(unit)?.trim_end(), *ns)))?;
    let (whole, part) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    // More digits than that is less than a nanosecond, or longer than any run.
    if !digits(whole) || !digits(part) || whole.len() > 12 || part.len() > 12 {
        return None;
    }
    let scale = 10_u128.pow(u32::try_from(part.len()).ok()?);
    let part = part.parse::<u128>().ok()? * unit;
    let ns = whole.parse::<u128>().ok()? * unit + part / scale;
    let exact = part.is_multiple_of(scale);
    Some(Duration::from_nanos(u64::try_from(ns).ok()?)).filter(|_| exact)
}

/// The shortest way to write `span` exactly, in seconds or milliseconds.
pub(crate) fn words(span: Duration) -> String {
    let ns = span.as_nanos();
    if ns == 0 {
        return "0s".to_owned();
    }
    if ns.is_multiple_of(1_000_000_000) {
        return format!("{}s", ns / 1_000_000_000);
    }
    let part = format!("{:06}", ns % 1_000_000);
    match part.trim_end_matches('0') {
        "" => format!("{}ms", ns / 1_000_000),
        part => format!("{}.{part}ms", ns / 1_000_000),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_they_are_written() {
        let spans =
            [0, 1, 999, 1_000, 250_000_000, 1_500_250_000, 2_000_000_000, 3_600_000_000_001];
        for ns in spans {
            let span = Duration::from_nanos(ns);
            assert_eq!(parse(&words(span)), Some(span), "{}", words(span));
        }
        assert_eq!(words(Duration::from_micros(1_500_250)), "1500.25ms");
        assert_eq!(parse("1.5s"), Some(Duration::from_millis(1_500)));
        assert_eq!(parse("2 min"), Some(Duration::from_secs(120)));
    }

    #[test]
    fn a_duration_without_unit_or_with_too_fine_a_part_is_refused() {
        for text in ["", "5", "s", "-1s", "1.s", ".5s", "1e3s", "0.5ns", "1 h", "9999999999999s"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
