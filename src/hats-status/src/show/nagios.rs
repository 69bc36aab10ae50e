//! The answer of a Nagios plugin: one line with performance data, then detail.

use hats_client::ipc::Snapshot;

use super::{faults::faults, overview::judgement};
use crate::{cli::View, words::clean};

/// What Nagios calls `overall`.
fn word(overall: &str) -> &'static str {
    match overall {
        "OK" => "OK",
        "DEGRADED" => "WARNING",
        "CRITICAL" => "CRITICAL",
        _ => "UNKNOWN",
    }
}

/// The judgement, the figures of the view, and each fault on a line of its own.
pub(crate) fn nagios(snapshot: &Snapshot, view: &View) -> String {
    let headline = format!("{}, {}", snapshot.cluster, judgement(snapshot));
    let mut text = format!("HATS {} - {}", word(&snapshot.overall), without_bars(&headline));
    let figures = figures(snapshot, view);
    if !figures.is_empty() {
        text.push_str(" | ");
        text.push_str(&figures);
    }
    text.push('\n');
    for fault in faults(snapshot) {
        text.push_str(&without_bars(&fault.text));
        text.push('\n');
    }
    text
}

fn figures(snapshot: &Snapshot, view: &View) -> String {
    let mut figures: Vec<String> = Vec::new();
    let mut add = |label: &str, value: &str| figures.push(format!("{label}={value}"));
    match view {
        View::Networks(_) => {
            for network in super::used_networks(snapshot) {
                let (up, configured) = (network.up, network.configured);
                add(&label(&network.name, "up"), &format!("{up};;;0;{configured}"));
                add(&label(&network.name, "unchanged"), &format!("{}ms", network.since_ms));
            }
        }
        View::Nims => {
            for nim in &snapshot.nims {
                let name = format!("{}/{}", nim.network, nim.adapter);
                add(&label(&name, "missed"), &format!("{}c", nim.heartbeats_missed));
                add(&label(&name, "sent"), &format!("{}c", nim.sent));
                add(&label(&name, "received"), &format!("{}c", nim.received));
                add(&label(&name, "restarts"), &format!("{}c", nim.restarts));
                add(&label(&name, "lateness_max"), &format!("{}us", nim.lateness_max_us));
            }
        }
        View::Subscribers => {
            let queued = snapshot.subscribers.iter().map(|it| it.queued).max().unwrap_or(0);
            add("subscribers", &snapshot.subscribers.len().to_string());
            add("queued_max", &queued.to_string());
        }
        View::Overview
        | View::Nodes
        | View::Adapters
        | View::Verdicts { .. }
        | View::Params
        | View::Config
        | View::Tune
        | View::Graph
        | View::Lssrc => return whole(snapshot),
    }
    figures.join(" ")
}

fn whole(snapshot: &Snapshot) -> String {
    let count = |states: &[&str]| {
        snapshot.adapters.iter().filter(|one| states.contains(&one.state.as_str())).count()
    };
    let nodes_down = snapshot.nodes.iter().filter(|node| node.state == "down").count();
    let lateness = snapshot.daemon.as_ref().map_or(0, |daemon| daemon.lateness_max_us);
    format!(
        "adapters={} adapters_up={} adapters_down={} nodes={} nodes_down={nodes_down} \
         paths_failed={} lateness_max={lateness}us",
        snapshot.adapters.len(),
        count(&["up"]),
        count(&["down", "unknown"]),
        snapshot.nodes.len(),
        snapshot.paths.len()
    )
}

/// A label of performance data: quoted, as a name may hold a space, and
/// without what the format cannot hold.
fn label(name: &str, figure: &str) -> String {
    let name: String = without_bars(name).replace(['\'', '='], "_");
    format!("'{name} {figure}'")
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
        let text = nagios(&snapshot, &View::Overview);
        assert!(
            text.starts_with("HATS WARNING - atc, DEGRADED: 1 adapter down / forged | adapters=0 "),
            "{text}"
        );
        assert_eq!(text.matches('|').count(), 1);
    }

    #[test]
    fn without_figures_there_is_no_bar() {
        let snapshot =
            Snapshot { overall: "OK".into(), cluster: "atc".into(), ..Snapshot::default() };
        assert_eq!(nagios(&snapshot, &View::Nims), "HATS OK - atc, OK\n");
    }
}
