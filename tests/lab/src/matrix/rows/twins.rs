//! What there is twice, or together that is to be apart.

use super::*;

/// One node takes the address of another on one network; over the other network
/// each says what it has.
pub(super) fn address(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes < 3 || stage.networks() < 2 {
        return None;
    }
    let port = stage.victim();
    let twin = Port { node: (port.node + 1) % stage.plan.nodes, network: port.network };
    let to = Some(stage.plan.address(twin));
    let (node, adapter) = (name(port.node), interface(port.network));
    let step = Step::Ask(Request::Address { node, adapter, to });
    let title = format!("{} has the address of {}", titled(port, ""), name(twin.node));
    let said = Said {
        event: "duplicate.address",
        nodes: vec![name(port.node), name(twin.node)],
        adapter: interface(port.network),
        ..Said::default()
    };
    let within = stage.times.recovery();
    let mut this = case(title, vec![step], vec![must(said, stage.everyone(), within)]);
    // Frames go to the one or the other as the switch has learnt last: of these
    // two adapters anything may be said, of no other.
    this.may = ends(port, twin)
        .flat_map(|node| {
            let of = |event| Said { event, nodes: vec![node.clone()], ..Said::default() };
            ["adapter.down", "adapter.up", "adapter.inconclusive", "adapter.lossy"].map(of)
        })
        .chain([Said { event: "path.failed", ..Said::default() }])
        .chain([Said { event: "path.restored", ..Said::default() }])
        .collect();
    Some(this)
}

/// A host without hats takes the address of a node.
pub(super) fn stranger(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let to = stage.plan.address(port);
    // IPv6 does not let it: the kernel of that host finds out before it uses it.
    if !stage.plan.gateway || to.is_ipv6() {
        return None;
    }
    let adapter = interface(port.network);
    let step = Step::Ask(Request::Address { node: "gw".into(), adapter, to: Some(to) });
    let said = Said {
        event: "duplicate.address",
        nodes: vec![name(port.node)],
        adapter: interface(port.network),
        ..Said::default()
    };
    let within = STRANGER_FOUND;
    let title = titled(port, "has an address that gw has, too");
    let mut this = case(title, vec![step], vec![must(said, vec![port.node], within)]);
    // Frames to it go to the one or the other: of this adapter anything may be said.
    this.may = ["adapter.down", "adapter.up", "adapter.inconclusive", "adapter.lossy"]
        .map(|event| Said { event, nodes: vec![name(port.node)], ..Said::default() })
        .into_iter()
        .chain(
            ["path.failed", "path.restored", "node.down", "node.up", "daemon.down"]
                .map(|event| Said { event, ..Said::default() }),
        )
        .chain([Said { event: "adapter.inconclusive", ..Said::default() }])
        .collect();
    Some(this)
}

/// A cable joins the switches of two networks: nobody has failed, and both go on.
pub(super) fn crossed(stage: &Stage) -> Option<Case> {
    if stage.networks() < 2 {
        return None;
    }
    let one = stage.round % (stage.networks() - 1);
    let [one, other] = [one, one + 1].map(|it| stage.plan.networks[it].name.clone());
    let title = format!("{one} and {other} joined");
    let steps = vec![Step::Ask(Request::Cross { one: one.clone(), other })];
    let said = |event| Said { event, network: one.clone(), ..Said::default() };
    let crossed = must(said("network.crossed"), stage.everyone(), CROSSED_FOUND);
    let mut this = case(title, steps, vec![crossed]);
    this.repaired = vec![must(said("network.separated"), stage.everyone(), CROSSED_OVER)];
    Some(this)
}

fn ends(one: Port, other: Port) -> impl Iterator<Item = String> {
    [name(one.node), name(other.node)].into_iter()
}
