//! How each kind of action changes the state.

use hats_wire::{Cause, Message};

use super::{
    action::{LEAVE_TICKS, Model},
    catalogue::{Move, Out},
    machine::Machine,
    names::{self, NODES, has, only},
    state::{Condition, Datagram, Fault, State, Verdict, put},
};

impl<M: Machine> Model<M> {
    /// Gives a machine an input, and does what it wants done.
    pub(super) fn step(&mut self, state: &mut State, node: u8, step: Move) -> Result<(), String> {
        let at = usize::from(node);
        let (next, outcome) = self.catalogue.step(state.places[at].machine, step);
        state.places[at].machine = next;
        for index in 0..self.catalogue.outcome(outcome).len() {
            match self.catalogue.outcome(outcome)[index].clone() {
                Out::Send { to, message } => self.send(state, node, to, message),
                Out::Adopted(adoption) => {
                    let others = std::array::from_fn(|other| self.belongs(state, other as u8));
                    let mut history = self.histories.get(state.history).clone();
                    history.adopt(node, &adoption, &others, self.leaving)?;
                    state.history = self.histories.number(history);
                }
            }
        }
        Ok(())
    }

    fn send(&self, state: &mut State, from: u8, to: Option<u8>, message: u32) {
        let run = state.place(from).run;
        let acknowledges = matches!(self.catalogue.message(message), Message::LeaveAck { .. });
        for other in
            names::nodes().filter(|other| *other != from && to.is_none_or(|to| to == *other))
        {
            let takes = match state.place(other).condition {
                Condition::Up => true,
                Condition::Leaving(_) => acknowledges,
                Condition::Absent | Condition::Gone => false,
            };
            if takes && !has(state.cut, from) && !has(state.cut, other) {
                put(&mut state.flight, Datagram { from, to: other, run, message, hop: self.hop });
            }
        }
    }

    pub(super) fn deliver(&mut self, state: &mut State, datagram: Datagram) -> Result<(), String> {
        let Datagram { from, to, run, message, hop: _ } = datagram;
        if matches!(state.place(to).condition, Condition::Leaving(_)) {
            if matches!(self.catalogue.message(message), Message::LeaveAck { .. }) {
                gone(state, to);
            }
            return Ok(());
        }
        if !state.is_up(to) || has(state.cut, to) {
            return Ok(());
        }
        self.heard_of(state, to, from, run)?;
        self.step(state, to, Move::Heard { from, message })
    }

    /// A datagram shows which run of its sender is there.
    pub(super) fn heard_of(
        &mut self,
        state: &mut State,
        node: u8,
        from: u8,
        run: u8,
    ) -> Result<(), String> {
        let known = self.belongs(state, node).filter(|it| has(it.members, from));
        let run = self.incarnation(from, run);
        if known.is_some_and(|it| it.incarnations[usize::from(from)] < run) {
            self.step(state, node, Move::Doom { whom: from, cause: Cause::DaemonDown })?;
        }
        Ok(())
    }

    pub(super) fn tick(&mut self, state: &mut State) {
        state.noticed = 0;
        for node in names::nodes() {
            let at = usize::from(node);
            match state.places[at].condition {
                Condition::Up => {
                    state.places[at].machine =
                        self.catalogue.step(state.places[at].machine, Move::Tick).0;
                }
                Condition::Leaving(1) => gone(state, node),
                Condition::Leaving(ticks) => {
                    state.places[at].condition = Condition::Leaving(ticks - 1);
                    self.say_leave(state, node);
                }
                Condition::Absent | Condition::Gone => {}
            }
        }
    }

    pub(super) fn judge(&mut self, state: &mut State, node: u8) {
        let listed = |other: u8| {
            let belongs = self.belongs(state, other).filter(|it| has(it.members, node))?;
            Some((belongs.group.instance, belongs.incarnations[usize::from(node)]))
        };
        let hearers = names::nodes().filter(|other| *other != node && state.is_heard(*other));
        let pending = hearers.clone().fold(0, |set, other| set | only(other));
        let instance = hearers.clone().filter_map(listed).map(|(instance, _)| instance).max();
        let incarnation = hearers.filter_map(listed).map(|(_, incarnation)| incarnation).min();
        let place = state.place(node);
        let runs = 0..=place.run;
        let run = runs.rev().find(|run| Some(self.incarnation(node, *run)) == incarnation);
        let cause = match place.condition {
            Condition::Up if has(state.cut, node) => Cause::Both,
            Condition::Up => Cause::DaemonDown,
            Condition::Absent | Condition::Leaving(_) | Condition::Gone => Cause::NodeDown,
        };
        state.verdicts[usize::from(node)] = Some(Verdict {
            instance: instance.expect("somebody lists it"),
            run: run.expect("it is listed with a run it had"),
            cause,
            pending,
        });
    }

    pub(super) fn learn(&mut self, state: &mut State, node: u8, about: u8) -> Result<(), String> {
        let verdict = &mut state.verdicts[usize::from(about)];
        let Some(it) = verdict else { return Ok(()) };
        let known = *it;
        it.pending &= !only(node);
        if it.pending == 0 {
            *verdict = None;
        }
        let limit = self.incarnation(about, known.run);
        let Some(belongs) = self.belongs(state, node) else { return Ok(()) };
        let outdated = belongs.group.instance > known.instance.saturating_add(1);
        let member = has(belongs.members, about)
            && belongs.incarnations[usize::from(about)] <= limit
            && !outdated;
        if member {
            self.step(state, node, Move::Doom { whom: about, cause: known.cause })?;
        }
        Ok(())
    }

    pub(super) fn start(&mut self, state: &mut State, node: u8, run: u8) -> Result<(), String> {
        let machine = self.catalogue.started(node, self.incarnation(node, run));
        let place = &mut state.places[usize::from(node)];
        (place.condition, place.machine, place.run) = (Condition::Up, machine, run);
        self.step(state, node, Move::Enable)
    }

    pub(super) fn restart(&mut self, state: &mut State, node: u8) -> Result<(), String> {
        state.spent.spend(Fault::Restart, &self.budget);
        let run = state.place(node).run + 1;
        gone(state, node);
        let mut history = self.histories.get(state.history).clone();
        history.restarted(node);
        state.history = self.histories.number(history);
        self.start(state, node, run)
    }

    /// It says so to its group, and its node says so by a report that all hear.
    pub(super) fn leave(&mut self, state: &mut State, node: u8) -> Result<(), String> {
        state.spent.spend(Fault::Leave, &self.budget);
        let belongs = self.belongs(state, node).expect("who leaves belongs to a group");
        self.step(state, node, Move::Retire)?;
        if belongs.members == only(node) {
            gone(state, node);
            return Ok(());
        }
        state.flight.retain(|datagram| datagram.to != node);
        forget_pending(state, node);
        state.places[usize::from(node)].condition = Condition::Leaving(LEAVE_TICKS);
        let hearers = names::nodes().filter(|other| *other != node && state.is_heard(*other));
        let pending =
            if has(state.cut, node) { 0 } else { hearers.fold(0, |set, it| set | only(it)) };
        let run = state.place(node).run;
        let verdict = Verdict { instance: u64::MAX, run, cause: Cause::Left, pending };
        state.verdicts[usize::from(node)] = (pending != 0).then_some(verdict);
        self.say_leave(state, node);
        Ok(())
    }

    fn say_leave(&mut self, state: &mut State, node: u8) {
        let machine = state.place(node).machine;
        let Some(belongs) = self.catalogue.facts(machine).belongs else { return };
        let message = self.catalogue.say(Message::Leave { group: belongs.group });
        self.send(state, node, None, message);
    }

    /// Whether all that hear each other are in one group, and nobody else is.
    pub(super) fn agreed(&self, state: &State) -> bool {
        let up = names::nodes().filter(|node| state.is_up(*node));
        let heard =
            names::nodes().filter(|it| state.is_heard(*it)).fold(0, |set, it| set | only(it));
        let mut group = None;
        for node in up {
            let Some(belongs) = self.belongs(state, node) else { return false };
            let expected = if has(heard, node) { heard } else { only(node) };
            let same = !has(heard, node) || *group.get_or_insert(belongs.group) == belongs.group;
            let runs = names::nodes().filter(|it| has(belongs.members, *it)).all(|it| {
                let run = self.incarnation(it, state.place(it).run);
                belongs.incarnations[usize::from(it)] == run
            });
            if belongs.members != expected || !same || !runs || self.facts(state, node).doomed != 0
            {
                return false;
            }
        }
        let leaving = |it: &super::state::Place| matches!(it.condition, Condition::Leaving(_));
        !state.places.iter().any(leaving)
    }
}

/// The node is there no more; what it said may still arrive.
pub(super) fn gone(state: &mut State, node: u8) {
    let place = &mut state.places[usize::from(node)];
    (place.condition, place.machine) = (Condition::Gone, 0);
    state.flight.retain(|datagram| datagram.to != node);
    state.late.retain(|datagram| datagram.to != node);
    state.cut &= !only(node);
    forget_pending(state, node);
}

/// It hears no verdict any more.
pub(super) fn forget_pending(state: &mut State, node: u8) {
    for verdict in &mut state.verdicts {
        if let Some(it) = verdict {
            it.pending &= !only(node);
            if it.pending == 0 {
                *verdict = None;
            }
        }
    }
}

/// One bit for each pair, for what their heartbeats show.
pub(super) fn beat_bit(node: u8, other: u8) -> u32 {
    1 << (usize::from(node) * NODES + usize::from(other))
}

/// One bit for each pair, for what missing heartbeats show.
pub(super) fn compare_bit(node: u8, other: u8) -> u32 {
    beat_bit(node, other) << (NODES * NODES)
}
