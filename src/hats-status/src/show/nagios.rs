//! The answer of a Nagios plugin: one line with performance data, then detail.

use hats_client::ipc::Snapshot;

use super::{faults::faults, overview::judgement};
use crate::words::clean;

/// What Nagios calls `overall`.
fn word(overall: &str) -> &'static str {
    match overall {
        "OK" => "OK",
        "DEGRADED" => "WARNING",
        "CRITICAL" => "CRITICAL",
        _ => "UNKNOWN",
    }
}

/// The judgement, figures, and each fault on a line of its own.
pub(crate) fn nagios(snapshot: &Snapshot) -> String {
    let count = |states: &[&str]| {
        snapshot.adapters.iter().filter(|one| states.contains(&one.state.as_str())).count()
    };
    let nodes_down = snapshot.nodes.iter().filter(|node| node.state == "down").count();
    let lateness = snapshot.daemon.as_ref().map_or(0, |daemon| daemon.lateness_max_us);
    let figures = format!(
        "adapters={} adapters_up={} adapters_down={} nodes={} nodes_down={nodes_down} \
         paths_failed={} lateness_max={lateness}us",
        snapshot.adapters.len(),
        count(&["up"]),
        count(&["down", "unknown"]),
        snapshot.nodes.len(),
        snapshot.paths.len()
    );
    let headline = format!("{}, {}", snapshot.cluster, judgement(snapshot));
    let mut text =
        format!("HATS {} - {} | {figures}\n", word(&snapshot.overall), without_bars(&headline));
    for fault in faults(snapshot) {
        text.push_str(&without_bars(&fault.text));
        text.push('\n');
    }
    text
}

/// The answer when there is no daemon to ask.
pub(crate) fn unknown(reason: &str) -> String {
    format!("HATS UNKNOWN - {}\n", without_bars(reason))
}

/// A bar begins the performance data.
fn without_bars(text: &str) -> String {
    clean(text).replace('|', "/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_state_reason_and_figures() {
        let snapshot = Snapshot {
            cluster: "atc".into(),
            overall: "DEGRADED".into(),
            reasons: vec!["1 adapter down | forged".into()],
            ..Snapshot::default()
        };
        let text = nagios(&snapshot);
        assert!(
            text.starts_with("HATS WARNING - atc, DEGRADED: 1 adapter down / forged | adapters=0 "),
            "{text}"
        );
        assert_eq!(text.matches('|').count(), 1);
    }
}
