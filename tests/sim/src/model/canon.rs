//! When two states of a machine are the same: a text of it in which times are
//! relative to now.
//!
//! The machine compares times only with each other and with now, so that what
//! it does depends on no absolute time. Its own `Debug` text, with each time
//! given as a number of ticks from now, names its state. A tick is the quarter
//! of a heartbeat interval: every span of the protocol is a whole number of
//! them, which is asserted here for each time that is met.

use std::time::Duration;

use hats_core::{config::Profile, time::Timestamp};

/// Ticks of a heartbeat interval.
const TICKS_PER_INTERVAL: u32 = 4;
/// What is longer ago than ten intervals makes no difference to the machine.
const LONGEST_AGO: i64 = 10 * TICKS_PER_INTERVAL as i64;

/// How far fields of these names tell one moment of the past from another:
/// deadlines not at all, nor when a round began (it counts where somebody is
/// suspected, and nobody is here), and two ticks are as long as a retry is held
/// back.
const FORGETFUL: [(&str, i64); 3] = [("until", 0), ("began", 0), ("asked_list_at", 2)];

/// The unit of time of the model.
pub(super) fn tick() -> Duration {
    Profile::Default.detection().heartbeat_interval / TICKS_PER_INTERVAL
}

/// `at` in ticks from `now`.
pub(super) fn ticks_from(now: Timestamp, at: Timestamp) -> i64 {
    let signed = |at: Timestamp| i64::try_from(at.0).expect("within 292 years");
    let unit = i64::try_from(tick().as_nanos()).expect("a fraction of a second");
    let span = signed(at) - signed(now);
    assert!(span % unit == 0, "a time is {span} ns from now: expected whole ticks of {unit} ns");
    span / unit
}

/// The text with each `Timestamp(..)` relative to `now`, forgetting what is
/// long past.
pub(super) fn canonical(text: &str, now: Timestamp) -> String {
    const WORD: &str = "Timestamp(";
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(WORD) {
        let (before, after) = (&rest[..at], &rest[at + WORD.len()..]);
        let end = after.find(')').expect("a timestamp's text ends in a bracket");
        let stamp = after[..end].parse().expect("a timestamp's text is a number");
        let ago = field(before).and_then(|name| FORGETFUL.iter().find(|(it, _)| *it == name));
        let longest = ago.map_or(LONGEST_AGO, |(_, ticks)| *ticks);
        let ticks = ticks_from(now, Timestamp(stamp)).max(-longest);
        out.push_str(before);
        out.push_str(&format!("T{ticks}"));
        rest = &after[end + 1..];
    }
    out.push_str(rest);
    out
}

/// The name of the field whose value begins where the text ends.
fn field(before: &str) -> Option<&str> {
    let name = before.strip_suffix("Some(").unwrap_or(before).strip_suffix(": ")?;
    let begin = name.rfind(|c: char| !c.is_alphanumeric() && c != '_').map_or(0, |at| at + 1);
    Some(&name[begin..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_named_by_their_distance_from_now() {
        let now = Timestamp(0) + tick() * 100;
        let text = |at: u32| format!("A {{ due: Some({:?}), n: 7 }}", Timestamp(0) + tick() * at);
        assert_eq!(canonical(&text(103), now), "A { due: Some(T3), n: 7 }");
        assert_eq!(canonical(&text(98), now), "A { due: Some(T-2), n: 7 }");
    }

    #[test]
    fn what_is_long_past_is_all_the_same() {
        let now = Timestamp(0) + tick() * 100;
        let of = |name: &str, at: u32| {
            canonical(&format!("A {{ {name}: {:?} }}", Timestamp(0) + tick() * at), now)
        };
        assert_eq!(of("since", 60), of("since", 3));
        assert_ne!(of("since", 60), of("since", 61));
        assert_eq!(of("until", 100), of("until", 3));
        assert_ne!(of("until", 100), of("until", 101));
    }

    #[test]
    #[should_panic(expected = "expected whole ticks")]
    fn a_span_that_is_no_whole_number_of_ticks_is_refused() {
        canonical("A { at: Timestamp(1) }", Timestamp(0));
    }
}
