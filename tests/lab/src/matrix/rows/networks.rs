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

pub(super) fn multicast_dead(stage: &Stage) -> Option<Case> {
    let network = stage.round % stage.networks();
    let steps = (0..stage.plan.nodes)
        .map(|node| broken(Port { node, network }, "no-multicast"))
        .collect::<Vec<_>>();
    let title = format!("no multicast on {}", stage.plan.networks[network].name);
    let mut this = endured(title, steps);
    let said = of_network(stage, "network.multicast_broken", network);
    this.must = vec![must(said, stage.everyone(), ENDURED)];
    Some(this)
}
