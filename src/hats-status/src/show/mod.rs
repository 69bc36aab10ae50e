//! A snapshot as text, one module a form. All of it is pure.

pub(crate) mod event;
pub(crate) mod faults;
pub(crate) mod graph;
pub(crate) mod line;
pub(crate) mod lists;
pub(crate) mod lssrc;
pub(crate) mod matrix;
pub(crate) mod nagios;
pub(crate) mod overview;
pub(crate) mod params;
pub(crate) mod tune;
pub(crate) mod verdict;

use hats_client::ipc::{Adapter, Network, Snapshot};

/// A network that is there but not used.
pub(crate) const LEFT_OUT: &str = "left_out";

/// What is shown where there is nothing.
pub(crate) const NOTHING: &str = "-";

/// What stands for the evidence of a verdict that needed none: carrier, address
/// and interface are facts that a node knows of itself.
pub(crate) const NO_PROBES: &str = "no probes were needed";

/// Optional text, or the sign for nothing.
pub(crate) fn or_nothing(text: Option<&str>) -> String {
    match text {
        Some(text) if !text.is_empty() => text.to_owned(),
        Some(_) | None => NOTHING.to_owned(),
    }
}

/// The networks in use.
pub(crate) fn used_networks(snapshot: &Snapshot) -> impl Iterator<Item = &Network> {
    snapshot.networks.iter().filter(|network| network.state != LEFT_OUT)
}

/// leader, successor or member, from the adapter or else from its network.
pub(crate) fn role<'a>(snapshot: &'a Snapshot, adapter: &'a Adapter) -> Option<&'a str> {
    let by_network = || {
        if adapter.state != "up" {
            return None;
        }
        let network = snapshot.networks.iter().find(|network| network.name == adapter.network)?;
        let is = |address: &Option<String>| address.as_deref() == Some(adapter.addr.as_str());
        if is(&network.leader_addr) {
            Some("leader")
        } else if is(&network.successor_addr) {
            Some("successor")
        } else {
            None
        }
    };
    adapter.role.as_deref().or_else(by_network)
}

/// A state that is not as it should be, for the eye: `DOWN (transmit) !`.
pub(crate) fn state(state: &str, cause: Option<&str>) -> String {
    let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
    match state {
        "down" => format!("DOWN{cause} !"),
        "unknown" => format!("UNKNOWN{cause} !"),
        "waiting" => "absent !".to_owned(),
        other => other.to_owned(),
    }
}
