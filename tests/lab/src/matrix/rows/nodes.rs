//! What befalls hosts and their daemons.

use super::*;

pub(super) fn crash(stage: &Stage) -> Option<Case> {
    let node = stage.victim().node;
    let steps = vec![Step::Ask(Request::Crash { node: name(node) })];
    let title = format!("{} crashes", name(node));
    if stage.plan.nodes == 2 {
        let networks: Vec<usize> = (0..stage.networks()).collect();
        let mut this = inconclusive(stage, &networks, title, steps);
        this.must.iter_mut().for_each(|must| must.observers = stage.but(node));
        // That it was gone is known when it is back as another run.
        this.may = vec![Said { event: "daemon.down", nodes: vec![name(node)], ..Said::default() }];
        return Some(this);
    }
    let down = must(node_down(stage, node), stage.but(node), stage.times.bound);
    let mut this = case(title, steps, vec![down]);
    this.may = vec![its_adapters(node, vec!["node_down"])];
    Some(this)
}

pub(super) fn daemon_killed(stage: &Stage) -> Option<Case> {
    let node = stage.victim().node;
    let step = Step::Ask(Request::KillDaemon { node: name(node) });
    daemon_down(stage, node, step, "hatsd killed", Duration::ZERO)
}

pub(super) fn daemon_hung(stage: &Stage) -> Option<Case> {
    let node = stage.victim().node;
    let step = Step::Ask(Request::HangDaemon { node: name(node) });
    let lease = (stage.times.detection * 2).max(LEASE_MIN);
    daemon_down(stage, node, step, "hatsd hung", lease * 2)
}

fn daemon_down(
    stage: &Stage,
    node: usize,
    step: Step,
    what: &str,
    longer: Duration,
) -> Option<Case> {
    let said = Said { event: "daemon.down", nodes: vec![name(node)], ..Said::default() };
    let within = stage.times.bound.max(ECHO_PATIENCE) + longer;
    let must = must(said, stage.but(node), within);
    let mut this = case(format!("{} {what}", name(node)), vec![step], vec![must]);
    this.may = vec![its_adapters(node, vec!["daemon_down"])];
    Some(this)
}

fn pause(stage: &Stage, span: Duration) -> Vec<Step> {
    let node = name(stage.victim().node);
    let heal = Request::Heal { node: Some(node.clone()), adapter: None };
    vec![Step::Ask(Request::Pause { node }), Step::Wait(span), Step::Ask(heal)]
}

pub(super) fn pause_short(stage: &Stage) -> Option<Case> {
    let span = stage.times.detection.saturating_sub(stage.interval * 3 / 2);
    let title = format!("{} paused for {span:?}", name(stage.victim().node));
    let mut steps = pause(stage, span);
    steps.push(Step::Wait(stage.times.bound * 2));
    Some(case(title, steps, Vec::new()))
}

pub(super) fn pause_long(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes < 3 {
        return None;
    }
    let node = stage.victim().node;
    let title = format!("{} paused for {:?}", name(node), stage.times.detection * 3);
    let steps = pause(stage, stage.times.detection * 3);
    let up = Said { event: "node.up", nodes: vec![name(node)], ..Said::default() };
    let mut back = must(up, stage.but(node), stage.times.recovery());
    back.since = 2;
    let down = must(node_down(stage, node), stage.but(node), stage.times.bound);
    let mut this = case(title, steps, vec![down, back]);
    // The sleeper may learn what was said of it, and of nobody else.
    this.may = vec![
        its_adapters(node, vec!["node_down"]),
        Said { event: "adapter.up", nodes: vec![name(node)], ..Said::default() },
    ];
    Some(this)
}

pub(super) fn starved(_: &Stage) -> Option<Case> {
    Some(endured("16 busy loops".into(), vec![Step::Load(16, ENDURED)]))
}

pub(super) fn crash_and_cut(stage: &Stage) -> Option<Case> {
    if stage.plan.nodes < 5 || stage.networks() < 2 {
        return None;
    }
    let port = stage.victim();
    let dead = (port.node + 2) % stage.plan.nodes;
    let title = format!("{} crashes, {}", name(dead), titled(port, "cut"));
    let steps = vec![Step::Ask(Request::Crash { node: name(dead) }), broken(port, "cut")];
    let mut cut = must(adapter_down(port, "both"), stage.but(dead), stage.times.bound);
    cut.since = 1;
    let down = must(node_down(stage, dead), stage.but(dead), stage.times.bound);
    let mut this = case(title, steps, vec![down, cut]);
    this.may = vec![its_adapters(dead, vec!["node_down"])];
    Some(this)
}
