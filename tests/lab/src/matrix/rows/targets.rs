//! What is known from hosts without hats: reference targets and required ones.

use super::*;

/// What these rows need of a cluster: the gateway, and for row 21 adapters that
/// must reach it.
pub(super) fn setting(row: &Row, plan: &Plan) -> Plan {
    let mut plan = plan.clone();
    let form = |number: &str| row.number.trim_end_matches(char::is_alphabetic) == number;
    plan.gateway = form("20") || form("21") || row.number == "12c";
    if form("21") {
        let entries = (0..plan.networks.len()).map(|network| {
            let (interface, target) = (interface(network), plan.gateway_on(network));
            format!("[[adapter]]\ninterface = \"{interface}\"\nrequired_targets = [\"{target}\"]\n")
        });
        plan.config_extra = entries.collect();
    }
    plan
}

/// One of two crashes; that the gateway answers shows who it was.
pub(super) fn peer_crash(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes != 2 {
        return None;
    }
    let node = stage.victim().node;
    let down = must(node_down(stage, node), stage.but(node), judged_alone(stage));
    let step = Step::Ask(Request::Crash { node: name(node) });
    let mut this = case(format!("{} crashes", name(node)), vec![step], vec![down]);
    this.may = vec![its_adapters(node, vec!["node_down"])];
    Some(this)
}

/// The adapter of one of two is cut: it reaches no gateway either.
pub(super) fn adapter_cut(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes != 2 {
        return None;
    }
    let port = stage.victim();
    let own = must(adapter_down(port, "both"), vec![port.node], judged_alone(stage));
    let (title, steps) = (titled(port, "cut"), vec![broken(port, "cut")]);
    let mut this = case(title, steps, vec![own]);
    if stage.networks() >= 2 {
        this.must[0].observers = stage.everyone();
    } else {
        let down = must(node_down(stage, port.node), stage.but(port.node), judged_alone(stage));
        this.must.push(down);
        this.may = vec![its_adapters(port.node, vec!["node_down"])];
    }
    Some(this)
}

/// Nobody but a target can be asked, and a busy host is not to be blamed: that
/// takes two rounds, and where a kernel answers, a second.
fn judged_alone(stage: &Stage) -> Duration {
    stage.times.bound.max(ECHO_PATIENCE) + stage.times.detection
}

/// The carrier is there and the neighbours are heard, the uplink is dead.
pub(super) fn uplink_of_one(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let request = Request::Path {
        from: name(port.node),
        to: stage.plan.host_name(stage.plan.nodes),
        network: Some(interface(port.network)),
        one_way: false,
        fault: "cut".into(),
    };
    let said = adapter_down(port, "targets_unreachable");
    let down = must(said, stage.everyone(), asked_in_vain(stage));
    Some(case(titled(port, "reaches no target"), vec![Step::Ask(request)], vec![down]))
}

/// Each adapter of a network says it of itself.
pub(super) fn uplink_of_all(stage: &Stage) -> Option<Case> {
    let network = stage.round % stage.networks();
    let gateway = stage.plan.host_name(stage.plan.nodes);
    let step = Step::Ask(Request::Fault {
        node: gateway,
        adapter: interface(network),
        fault: "cut".into(),
    });
    let musts = stage.everyone().into_iter().map(|node| {
        let said = adapter_down(Port { node, network }, "targets_unreachable");
        // With no other network nobody hears of those that say it later.
        let observers = if stage.networks() >= 2 { stage.everyone() } else { vec![node] };
        must(said, observers, asked_in_vain(stage))
    });
    let title = format!("{}: no target answers", stage.plan.networks[network].name);
    let mut this = case(title, vec![step], musts.collect());
    if stage.networks() == 1 {
        this.may = vec![Said {
            event: "adapter.down",
            causes: vec!["targets_unreachable"],
            ..Said::default()
        }];
    }
    Some(this)
}

/// Targets are asked ten times a second at most, and must have missed three.
fn asked_in_vain(stage: &Stage) -> Duration {
    stage.times.bound.max(Duration::from_millis(500))
}
