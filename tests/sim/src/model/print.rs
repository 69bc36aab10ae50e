//! What happened, in the lines of the simulator's trace (see the crate's page).

use hats_core::time::Timestamp;

use super::{
    action::{Action, Model},
    canon::tick,
    machine::Machine,
    names::{self, name},
    state::{Condition, Datagram, State},
};

/// One line for each action, and one for each membership that comes into force.
pub(super) fn trace<M: Machine>(
    model: &mut Model<M>,
    begin: &State,
    path: &[Action],
) -> Vec<String> {
    let mut lines = vec![format!("in the beginning: {}", situation(model, begin))];
    let mut now = Timestamp(0);
    let mut state = begin.clone();
    for action in path {
        if matches!(action, Action::Tick | Action::Overlook) {
            now = now + tick();
        } else {
            lines.push(format!("{:>12} {}", now.to_string(), line(model, *action)));
        }
        let Ok(next) = model.apply(&state, *action) else { break };
        lines.extend(
            changes(model, &state, &next).map(|it| format!("{:>12} {it}", now.to_string())),
        );
        state = next;
    }
    lines.push(format!("in the end: {}", situation(model, &state)));
    lines
}

fn situation<M: Machine>(model: &Model<M>, state: &State) -> String {
    let one = |node: u8| {
        let belongs = model.belongs(state, node);
        let cut = if names::has(state.cut, node) { " cut off" } else { "" };
        let what = match (state.place(node).condition, belongs) {
            (Condition::Absent, _) => "not started".to_owned(),
            (Condition::Gone, _) => "gone".to_owned(),
            (Condition::Leaving(_), _) => "leaving".to_owned(),
            (Condition::Up, None) => "listening".to_owned(),
            (Condition::Up, Some(it)) => {
                format!("{} [{}]", names::group(&it.group), names::names(it.members))
            }
        };
        format!("{} {what}{cut}", name(node))
    };
    names::nodes().rev().map(one).collect::<Vec<_>>().join(", ")
}

fn changes<M: Machine>(
    model: &Model<M>,
    before: &State,
    after: &State,
) -> impl Iterator<Item = String> {
    let one = |node: u8| {
        let now = model.belongs(after, node)?;
        let same = model.belongs(before, node) == Some(now);
        let (group, members) = (names::group(&now.group), names::names(now.members));
        (!same).then(|| place(node, '=', "", &format!("adopts {group} [{members}]")))
    };
    names::nodes().filter_map(one).collect::<Vec<_>>().into_iter()
}

fn line<M: Machine>(model: &Model<M>, action: Action) -> String {
    let said = |datagram: Datagram| names::message(model.catalogue.message(datagram.message));
    let arrives =
        |it: Datagram, how: &str| place(it.to, '<', &name(it.from), &format!("{}{how}", said(it)));
    let lost = |it: Datagram, why: &str| {
        place(it.from, 'x', &name(it.to), &format!("{}: {why}", said(it)))
    };
    let done = |what: String| format!("{:<9}   {:<5} {what}", "--------", "");
    match action {
        Action::Deliver(it) => arrives(it, ""),
        Action::Release(it) => arrives(it, " (late)"),
        Action::Lose(it) => lost(it, "lost"),
        Action::Delay(it) => lost(it, "delayed"),
        Action::Double(it) => lost(it, "will come twice"),
        Action::Wake(node) => place(node, '~', "", "Group"),
        Action::Tick | Action::Overlook => String::new(),
        Action::Judge(node) => done(format!("{} is found to be gone", name(node))),
        Action::Learn(node, about) => {
            place(node, '^', "", &format!("verdict: {} is gone", name(about)))
        }
        Action::Alone(node) => place(node, '^', "", "hears nobody"),
        Action::Beat(node, other) => {
            place(other, '^', "", &format!("heartbeat of {} names another group", name(node)))
        }
        Action::Compare(node, other) => {
            place(node, '^', "", &format!("{} lives and does not feed this one", name(other)))
        }
        Action::Start(node) => done(format!("start {}", name(node))),
        Action::Crash(node) => done(format!("crash {}", name(node))),
        Action::Restart(node) => done(format!("restart {}", name(node))),
        Action::Cut(node) => done(format!("cut {}/neta", name(node))),
        Action::Mend(node) => done(format!("heal {}/neta", name(node))),
        Action::Leave(node) => done(format!("{} leaves", name(node))),
    }
}

fn place(node: u8, sign: char, peer: &str, what: &str) -> String {
    format!("{:<9} {sign} {peer:<5} {what}", format!("{}/neta", name(node)))
}
