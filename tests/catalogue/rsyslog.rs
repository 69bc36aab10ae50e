//! What deploy/alerting/rsyslog.conf says begins and ends.

use hats_core::event::{EventKind, Level};

use super::read;

/// The list of codes in the line that has `field`.
fn codes(text: &str, field: &str) -> Vec<String> {
    let start = format!("{field} == [");
    let (_, rest) = text.split_once(&start).unwrap_or_else(|| panic!("no {start}"));
    let (list, _) = rest.split_once(']').expect("the end of a list");
    list.split(", ").map(|code| code.trim_matches('"').to_owned()).collect()
}

/// The codes that have an end and are of this level.
fn ended(level: Level) -> Vec<String> {
    let kinds = EventKind::ALL.iter().filter(|kind| kind.has_end() && kind.level() == level);
    kinds.map(|kind| kind.code().to_owned()).collect()
}

#[test]
fn rsyslog_has_a_line_for_the_beginning_of_all_that_it_says_to_be_over() {
    let text = read("deploy/alerting/rsyslog.conf");
    assert_eq!(codes(&text, "$!code"), ended(Level::Warn), "begin, besides every fault");
    assert_eq!(codes(&text, "$!clears"), ended(Level::Info), "neither begin nor end");
}
