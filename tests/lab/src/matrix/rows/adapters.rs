//! What befalls one adapter: its cable, its address, its NIM.

use super::*;

fn silent(stage: &Stage, fault: &str, cause: &'static str) -> Option<Case> {
    let port = stage.victim();
    let (title, steps) = (titled(port, fault), vec![broken(port, fault)]);
    if stage.has_third_voice_elsewhere() {
        let down = must(adapter_down(port, cause), stage.everyone(), stage.times.bound);
        return Some(case(title, steps, vec![down]));
    }
    if stage.plan.nodes == 2 {
        let mut this = inconclusive(stage, &[port.network], title, steps);
        this.must[0].observers = stage.everyone();
        // Who hears of the other what the other does not hear has nothing to say.
        if fault != "cut" {
            this.may.push(this.must[0].said.clone());
            this.must.clear();
        }
        return Some(this);
    }
    (fault == "cut").then(|| unreachable(stage, port, title, steps))
}

pub(super) fn cut(stage: &Stage) -> Option<Case> {
    silent(stage, "cut", "both")
}

pub(super) fn deaf(stage: &Stage) -> Option<Case> {
    silent(stage, "deaf", "receive")
}

pub(super) fn mute(stage: &Stage) -> Option<Case> {
    silent(stage, "mute", "transmit")
}

/// What a node's kernel tells it is known to itself at once, and to the others
/// if there is another network.
fn fact(stage: &Stage, what: &str, step: Step, cause: &'static str) -> Option<Case> {
    let port = stage.victim();
    let title = titled(port, what);
    if stage.networks() >= 2 {
        let down = must(adapter_down(port, cause), stage.everyone(), FACT);
        return Some(case(title, vec![step], vec![down]));
    }
    if stage.plan.nodes < 3 {
        return None;
    }
    let mut this = unreachable(stage, port, title, vec![step]);
    this.must.push(must(adapter_down(port, cause), vec![port.node], FACT));
    Some(this)
}

pub(super) fn carrier(stage: &Stage) -> Option<Case> {
    fact(stage, "carrier lost", broken(stage.victim(), "carrier"), "link_down")
}

pub(super) fn link_down(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let request = Request::LinkDown { node: name(port.node), adapter: interface(port.network) };
    fact(stage, "set down", Step::Ask(request), "link_down")
}

pub(super) fn address_removed(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let (node, adapter) = (name(port.node), interface(port.network));
    fact(
        stage,
        "address removed",
        Step::Ask(Request::Address { node, adapter, to: None }),
        "address_lost",
    )
}

pub(super) fn address_changed(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    if stage.networks() < 2 {
        return None;
    }
    // No other node has it.
    let spare = Port { node: stage.plan.nodes + 100, network: port.network };
    let to = Some(stage.plan.address(spare));
    let (node, adapter) = (name(port.node), interface(port.network));
    let up = Said {
        event: "adapter.up",
        nodes: vec![node.clone()],
        adapter: adapter.clone(),
        ..Said::default()
    };
    let step = Step::Ask(Request::Address { node, adapter, to });
    let within = stage.times.recovery();
    let mut this = case(
        titled(port, "address changed"),
        vec![step],
        vec![must(up, stage.but(port.node), within)],
    );
    this.may = vec![Said {
        causes: vec!["address_lost", "removed", "left"],
        ..adapter_down(port, "address_lost")
    }];
    Some(this)
}

fn nim(
    stage: &Stage,
    what: &str,
    request: Request,
    what_is_said: &'static str,
    within: Duration,
) -> Case {
    let port = stage.victim();
    let of_nim = |event| Said {
        event,
        nodes: vec![name(port.node)],
        adapter: interface(port.network),
        ..Said::default()
    };
    let own = vec![port.node];
    let musts = vec![
        must(of_nim(what_is_said), own.clone(), within),
        must(of_nim("nim.restarted"), own, within + Duration::from_millis(500)),
    ];
    case(titled(port, what), vec![Step::Ask(request)], musts)
}

pub(super) fn nim_killed(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let (node, adapter) = (name(port.node), interface(port.network));
    let mut this = nim(stage, "NIM killed", Request::KillNim { node, adapter }, "nim.died", FACT);
    // A new one is there in 25 ms; who notices faster than that may say so.
    if stage.times.detection < Duration::from_millis(100) {
        this.may = vec![adapter_down(port, "nim_failed")];
    }
    Some(this)
}

pub(super) fn nim_hung(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    let (node, adapter) = (name(port.node), interface(port.network));
    let within = stage.times.detection.max(ECHO_PATIENCE) + STUCK;
    let mut this = nim(stage, "NIM hung", Request::HangNim { node, adapter }, "nim.stuck", within);
    // It is silent for longer than the detection time before it is known why.
    this.may = vec![
        Said { causes: vec!["both", "nim_failed"], ..adapter_down(port, "both") },
        Said { event: "adapter.up", nodes: vec![name(port.node)], ..Said::default() },
    ];
    if !stage.has_third_voice_elsewhere() {
        this.may.push(Said {
            event: "daemon.down",
            nodes: vec![name(port.node)],
            ..Said::default()
        });
        this.may.push(Said { event: "node.up", nodes: vec![name(port.node)], ..Said::default() });
        this.may.push(of_network(stage, "adapter.inconclusive", port.network));
    }
    Some(this)
}

pub(super) fn loss_adapter(stage: &Stage) -> Option<Case> {
    let port = stage.victim();
    Some(endured(titled(port, "loses 3 %"), vec![broken(port, "loss=3%")]))
}

/// That it loses is told when enough probes have been lost, and it stays up.
pub(super) fn lossy_adapter(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes < 3 {
        return None;
    }
    let port = stage.victim();
    let said = Said {
        event: "adapter.lossy",
        nodes: vec![name(port.node)],
        adapter: interface(port.network),
        ..Said::default()
    };
    let observers = if stage.networks() >= 2 { stage.everyone() } else { vec![port.node] };
    let must = must(said, observers, MEASURED);
    Some(case(titled(port, "loses 10 %"), vec![broken(port, "loss=10%")], vec![must]))
}

pub(super) fn two_cuts(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes < 5 || stage.networks() < 2 {
        return None;
    }
    let one = stage.victim();
    let node = (one.node + 2) % stage.plan.nodes;
    let other = Port { node, network: (one.network + 1) % stage.networks() };
    let title = format!("{} and {}", titled(one, "cut"), titled(other, "cut"));
    let down = |port| must(adapter_down(port, "both"), stage.everyone(), stage.times.bound);
    let mut musts = vec![down(one), down(other)];
    musts[1].since = 1;
    Some(case(title, vec![broken(one, "cut"), broken(other, "cut")], musts))
}
