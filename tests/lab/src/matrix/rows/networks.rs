//! What befalls paths and whole networks.

use super::*;

fn path_of(stage: &Stage, one_way: bool) -> Option<Case> {
    if stage.plan.nodes < 3 {
        return None;
    }
    let port = stage.victim();
    let other = (port.node + 1) % stage.plan.nodes;
    let ends = vec![name(port.node), name(other)];
    let network = Some(interface(port.network));
    let request = Request::Path {
        from: ends[0].clone(),
        to: ends[1].clone(),
        network,
        one_way,
        fault: "cut".into(),
    };
    let way = if one_way { "to" } else { "and" };
    let title = format!("{} {way} {} on {}", ends[0], ends[1], interface(port.network));
    // Only over another network can an end say what it received.
    let direction = match (stage.networks() >= 2, one_way) {
        (false, _) => "",
        (true, false) => "both",
        (true, true) => "to_peer",
    };
    let said = Said { direction, ..path_said("path.failed", &ends, port.network) };
    let within = stage.patrolled();
    let mut this =
        case(title, vec![Step::Ask(request)], vec![must(said, stage.everyone(), within)]);
    let restored = path_said("path.restored", &ends, port.network);
    this.repaired = vec![must(restored, stage.everyone(), stage.times.recovery())];
    Some(this)
}

fn path_said(event: &'static str, ends: &[String], network: usize) -> Said {
    Said { event, nodes: ends.to_vec(), adapter: interface(network), ..Said::default() }
}

pub(super) fn path(stage: &Stage) -> Option<Case> {
    path_of(stage, false)
}

pub(super) fn path_one_way(stage: &Stage) -> Option<Case> {
    path_of(stage, true)
}

pub(super) fn partition(stage: &Stage) -> Option<Case> {
    let network = stage.round % stage.networks();
    // One alone is not told from one whose adapter is cut.
    if stage.plan.nodes < 4 || stage.networks() < 2 {
        return None;
    }
    let half = stage.plan.nodes / 2;
    let cut = |from: usize, to: usize| {
        Step::Ask(Request::Path {
            from: name(from),
            to: name(to),
            network: Some(interface(network)),
            one_way: false,
            fault: "cut".into(),
        })
    };
    let steps: Vec<Step> = (0..half)
        .flat_map(|from| (half..stage.plan.nodes).map(move |to| (from, to)))
        .map(|(from, to)| cut(from, to))
        .collect();
    let title = format!("{} in two", stage.plan.networks[network].name);
    let said = of_network(stage, "network.partitioned", network);
    let merged = of_network(stage, "network.merged", network);
    let within = stage.times.bound + 2 * stage.times.detection;
    let mut this = case(title, steps, vec![must(said, stage.everyone(), within)]);
    this.must[0].since = half * (stage.plan.nodes - half) - 1;
    this.repaired = vec![must(merged, stage.everyone(), stage.times.recovery())];
    Some(this)
}

pub(super) fn network_dead(stage: &Stage) -> Option<Case> {
    let network = stage.round % stage.networks();
    if !stage.has_third_voice_elsewhere() {
        return None;
    }
    let steps: Vec<Step> =
        stage.everyone().into_iter().map(|node| broken(Port { node, network }, "cut")).collect();
    let title = format!("{} dead", stage.plan.networks[network].name);
    let said = of_network(stage, "network.failed", network);
    let within = stage.times.bound + stage.times.detection;
    let mut this = case(title, steps, vec![must(said, stage.everyone(), within)]);
    this.must[0].since = stage.plan.nodes - 1;
    Some(this)
}

pub(super) fn loss_everywhere(stage: &Stage) -> Option<Case> {
    let steps = stage.plan.ports().map(|port| broken(port, "loss=3%")).collect();
    Some(endured("every adapter loses 3 %".into(), steps))
}

/// Where a switch that snoops loses sight of its members.
pub(super) fn multicast_dead(stage: &Stage) -> Option<Case> {
    let network = stage.round % stage.networks();
    let title = format!("no multicast on {}", stage.plan.networks[network].name);
    let mut this = endured(title, without_multicast(stage, network));
    let said = of_network(stage, "network.multicast_broken", network);
    this.must = vec![must(said, stage.everyone(), stage.interval * MULTICAST_FOUND)];
    this.must[0].since = stage.plan.nodes - 1;
    this.repaired = vec![multicast_restored(stage, network)];
    Some(this)
}

/// Each node learns of the others' adapters there from what they say on another
/// network: with that one network alone nobody could know of anybody.
pub(super) fn no_multicast(stage: &Stage) -> Option<Case> {
    if stage.networks() < 2 {
        return None;
    }
    let network = stage.round % stage.networks();
    let nodes = || stage.everyone().into_iter();
    let crash = |node| Step::Ask(Request::Crash { node: name(node) });
    let heal = |node| Step::Ask(Request::Heal { node: Some(name(node)), adapter: None });
    let mut steps: Vec<Step> = nodes().map(crash).collect();
    // A daemon says nothing before it has listened for an interval.
    steps.extend(nodes().flat_map(|node| [heal(node), no_multicast_for(node, network)]));
    let last = steps.len() - 1;
    let title = format!("all start without multicast on {}", stage.plan.networks[network].name);
    let since = |must: Must| Must { since: last, ..must };
    let forms = stage.times.recovery();
    let said = of_network(stage, "network.multicast_broken", network);
    let within = forms + stage.interval * MULTICAST_FOUND;
    let up = |node| Said {
        event: "adapter.up",
        nodes: vec![name(node)],
        adapter: interface(network),
        ..Said::default()
    };
    let ups = nodes().map(|node| must(up(node), stage.but(node), forms));
    let told = must(said, stage.everyone(), within);
    let must = ups.chain([told]).map(since).collect();
    let mut this = case(title, steps, must);
    this.may = ["adapter.up", "node.up"].map(|event| Said { event, ..Said::default() }).into();
    this.repaired = vec![multicast_restored(stage, network)];
    Some(this)
}

fn without_multicast(stage: &Stage, network: usize) -> Vec<Step> {
    stage.everyone().into_iter().map(|node| no_multicast_for(node, network)).collect()
}

fn no_multicast_for(node: usize, network: usize) -> Step {
    broken(Port { node, network }, "no-multicast")
}

fn multicast_restored(stage: &Stage, network: usize) -> Must {
    let said = of_network(stage, "network.multicast_restored", network);
    must(said, stage.everyone(), stage.interval * MULTICAST_FOUND)
}

fn narrow_said(stage: &Stage, network: usize) -> Said {
    Said { mtu: MAX_FRAME - FRAME_HEADER, ..of_network(stage, "network.mtu", network) }
}

/// Nobody leaves the group for it.
pub(super) fn narrow_path(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let other = (port.node + 1) % stage.plan.nodes;
    let ends = vec![name(port.node), name(other)];
    let request = Request::Path {
        from: ends[0].clone(),
        to: ends[1].clone(),
        network: Some(interface(port.network)),
        one_way: false,
        fault: format!("max-frame={MAX_FRAME}"),
    };
    let title = format!("{} and {} on {}", ends[0], ends[1], interface(port.network));
    let mut this = endured(title, vec![Step::Ask(request)]);
    let said =
        Said { nodes: ends, adapter: interface(port.network), ..narrow_said(stage, port.network) };
    this.must = vec![must(said, stage.everyone(), stage.found_narrow())];
    this.repaired = vec![narrow_restored(stage, port.network)];
    Some(this)
}

/// All start where only short packets get through: the group forms.
pub(super) fn narrow(stage: &Stage) -> Option<Case> {
    let network = stage.round % stage.networks();
    let nodes = || stage.everyone().into_iter();
    let crash = |node| Step::Ask(Request::Crash { node: name(node) });
    let heal = |node| Step::Ask(Request::Heal { node: Some(name(node)), adapter: None });
    let narrow = |node| broken(Port { node, network }, &format!("max-frame={MAX_FRAME}"));
    let mut steps: Vec<Step> = nodes().map(crash).collect();
    steps.extend(nodes().flat_map(|node| [heal(node), narrow(node)]));
    let last = steps.len() - 1;
    let title =
        format!("all start with short packets only on {}", stage.plan.networks[network].name);
    let forms = stage.times.recovery();
    let up = |node| Said {
        event: "adapter.up",
        nodes: vec![name(node)],
        adapter: interface(network),
        ..Said::default()
    };
    let ups = nodes().map(|node| must(up(node), stage.but(node), forms));
    let told = must(narrow_said(stage, network), stage.everyone(), forms + stage.found_narrow());
    let since = |must: Must| Must { since: last, ..must };
    let mut this = case(title, steps, ups.chain([told]).map(since).collect());
    this.may = ["adapter.up", "node.up"].map(|event| Said { event, ..Said::default() }).into();
    this.repaired = vec![narrow_restored(stage, network)];
    Some(this)
}

fn narrow_restored(stage: &Stage, network: usize) -> Must {
    let said = of_network(stage, "network.mtu_restored", network);
    must(said, stage.everyone(), stage.times.recovery())
}
