//! The whole cluster on one screen.

use hats_client::ipc::Snapshot;

use super::{faults, lists::networks_table, matrix::matrix};
use crate::{
    select::Hidden,
    table::{first_that_fits, paragraph},
    words::{age, clean, span},
};

/// The overview; `wide` shows every column and node.
pub(crate) fn overview(snapshot: &Snapshot, hidden: &Hidden, wide: bool) -> String {
    let mut text = String::new();
    text.push_str(&cluster(snapshot));
    text.push_str(&overall(snapshot));
    text.push_str(&detection(snapshot));
    text.push('\n');
    text.push_str(&networks(snapshot, wide));
    text.push('\n');
    text.push_str(&matrix(snapshot, hidden, wide));
    let told = faults::told(snapshot);
    if !told.is_empty() {
        text.push('\n');
        text.push_str(told.trim_end());
        text.push('\n');
    }
    text
}

fn cluster(snapshot: &Snapshot) -> String {
    let mut view = String::from("unknown");
    let mut of_daemon = String::new();
    if let Some(daemon) = &snapshot.daemon {
        view = daemon.node.clone();
        of_daemon = format!("  hatsd {} up {}", daemon.version, age(daemon.uptime_ms));
    }
    let time = time_of_day(&snapshot.ts);
    let line = format!(
        "cluster {}  view {view}  as of {time}  epoch {}{of_daemon}",
        snapshot.cluster, snapshot.epoch
    );
    clean(&line) + "\n"
}

/// Whose view a list is, and of when.
pub(crate) fn head(snapshot: &Snapshot) -> String {
    let view = snapshot.daemon.as_ref().map_or("unknown", |daemon| daemon.node.as_str());
    let time = time_of_day(&snapshot.ts);
    clean(&format!("cluster {}  view {view}  as of {time}", snapshot.cluster)) + "\n"
}

/// The day is in the JSON; for people it is the time that says how old a view is.
pub(crate) fn time_of_day(ts: &str) -> &str {
    ts.split_once('T').map_or(ts, |(_, time)| time)
}

/// The daemon's judgement and its reasons.
pub(crate) fn judgement(snapshot: &Snapshot) -> String {
    if snapshot.reasons.is_empty() {
        snapshot.overall.clone()
    } else {
        format!("{}: {}", snapshot.overall, snapshot.reasons.join(", "))
    }
}

fn overall(snapshot: &Snapshot) -> String {
    paragraph("overall ", &judgement(snapshot))
}

/// The bounds in force: what the operator may rely on.
fn detection(snapshot: &Snapshot) -> String {
    let Some(detection) = &snapshot.detection else {
        return String::new();
    };
    let text = format!(
        "{} ({} x {}): silence is established after {}, a verdict follows within {}",
        detection.profile,
        span(detection.heartbeat_interval_us),
        detection.sensitivity,
        span(detection.detection_time_us),
        span(detection.verdict_bound_us)
    );
    paragraph("detection ", &text)
}

fn networks(snapshot: &Snapshot, wide: bool) -> String {
    if wide {
        return networks_table(snapshot, false, Detail::Everything).render();
    }
    let details = [Detail::Subnet, Detail::Addresses, Detail::Names];
    first_that_fits(details.into_iter().map(|detail| networks_table(snapshot, false, detail)))
}

/// How much a table of networks tells, from rich to poor.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Detail {
    /// Every column.
    Everything,
    /// Subnet, mode, and the addresses of leader and successor.
    Mode,
    /// The same without the mode.
    Subnet,
    /// The addresses of leader and successor.
    Addresses,
    /// Only their names.
    Names,
}
