//! What can happen next, and what comes of it.

use super::{
    catalogue::{Belonging, Catalogue, Facts, Move},
    effect::{beat_bit, compare_bit, forget_pending, gone},
    machine::Machine,
    names::{self, NODES, has, only},
    rules::{Histories, History, Leaving},
    state::{Budget, Condition, Datagram, Fault, Place, State, count_hops, put, take},
};

/// A leave that nobody acknowledges ends after so many ticks.
pub(super) const LEAVE_TICKS: u8 = 8;

/// One thing that can happen.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Action {
    Deliver(Datagram),
    /// A machine's deadline has come.
    Wake(u8),
    /// A tick passes everywhere.
    Tick,
    /// A tick passes before what is to be noticed is.
    Overlook,
    /// That a node is gone is concluded, and on its way to all others.
    Judge(u8),
    /// The first hears what was concluded of the second.
    Learn(u8, u8),
    /// A node concludes that it hears nobody.
    Alone(u8),
    /// A heartbeat of the first shows the second that they differ.
    Beat(u8, u8),
    /// The first misses the second, which lives and does not feed it.
    Compare(u8, u8),
    Start(u8),
    Lose(Datagram),
    Double(Datagram),
    Delay(Datagram),
    Release(Datagram),
    Crash(u8),
    Restart(u8),
    Cut(u8),
    Mend(u8),
    Leave(u8),
}

impl Action {
    /// The word to count it by.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Action::Deliver(_) => "deliver",
            Action::Wake(_) => "wake",
            Action::Tick => "tick",
            Action::Overlook => "overlook",
            Action::Judge(_) => "judge",
            Action::Learn(..) => "learn",
            Action::Alone(_) => "alone",
            Action::Beat(..) => "beat",
            Action::Compare(..) => "compare",
            Action::Start(_) => "start",
            Action::Lose(_) => "lose",
            Action::Double(_) => "double",
            Action::Delay(_) => "delay",
            Action::Release(_) => "release",
            Action::Crash(_) => "crash",
            Action::Restart(_) => "restart",
            Action::Cut(_) => "cut",
            Action::Mend(_) => "mend",
            Action::Leave(_) => "leave",
        }
    }
}

/// The rules of the game: the machines, and what may be done to them.
pub(super) struct Model<M> {
    pub(super) catalogue: Catalogue<M>,
    pub(super) histories: Histories,
    /// Where each node's instances begin; its later runs begin higher.
    pub(super) firsts: [u64; NODES],
    pub(super) budget: Budget,
    pub(super) leaving: Leaving,
    /// Datagrams overtake each other within a tick: all, if there is no limit;
    /// else a datagram overtakes those that were sent less than so many hops
    /// before it. A hop is a datagram that was sent because another arrived.
    pub(super) overtake: Option<u8>,
    /// How many hops after the oldest in flight what is sent now is sent.
    pub(super) hop: u8,
}

impl<M: Machine> Model<M> {
    pub(super) fn new(firsts: [u64; NODES], budget: Budget) -> Self {
        Model {
            catalogue: Catalogue::new(),
            histories: Histories::default(),
            firsts,
            budget,
            leaving: Leaving::default(),
            overtake: None,
            hop: 0,
        }
    }

    /// Nobody has started.
    pub(super) fn nothing(&mut self) -> State {
        let place = Place { condition: Condition::Absent, machine: 0, run: 0 };
        State {
            places: [place; NODES],
            cut: 0,
            flight: Vec::new(),
            late: Vec::new(),
            noticed: 0,
            verdicts: [None; NODES],
            spent: Budget::default(),
            history: self.histories.number(History::default()),
        }
    }

    /// The run of a daemon as its incarnation, where its instances begin.
    pub(super) fn incarnation(&self, node: u8, run: u8) -> u64 {
        self.firsts[usize::from(node)] + 1_000 * u64::from(run)
    }

    pub(super) fn facts(&self, state: &State, node: u8) -> &Facts {
        self.catalogue.facts(state.place(node).machine)
    }

    pub(super) fn belongs(&self, state: &State, node: u8) -> Option<Belonging> {
        if state.is_up(node) { self.facts(state, node).belongs } else { None }
    }

    /// Everything that can happen next. What is marked is what a fair world
    /// does: everything arrives, and time passes when nothing is left to do.
    pub(super) fn actions(&self, state: &State) -> Vec<(Action, bool)> {
        let mut actions: Vec<(Action, bool)> = Vec::with_capacity(16);
        let distinct = |list: &[Datagram]| {
            let mut list = list.to_vec();
            list.dedup();
            list
        };
        let mut flight = distinct(&state.flight);
        flight.retain(|datagram| self.overtake.is_none_or(|limit| datagram.hop < limit));
        actions.extend(flight.iter().map(|it| (Action::Deliver(*it), true)));
        let due = |node: &u8| {
            state.is_up(*node) && self.facts(state, *node).due.is_some_and(|due| due <= 0)
        };
        actions.extend(names::nodes().filter(due).map(|node| (Action::Wake(node), true)));
        let busy = !actions.is_empty();
        let noted = actions.len();
        self.notices(state, &mut actions);
        let unnoticed = actions.len() > noted;
        let spare = |fault: Fault| state.spent.spares(fault, &self.budget);
        if !busy && !unnoticed {
            actions.push((Action::Tick, true));
        } else if !busy && spare(Fault::Unnoticed) {
            actions.push((Action::Overlook, false));
        }
        for (fault, act) in [
            (Fault::Loss, Action::Lose as fn(Datagram) -> Action),
            (Fault::Double, Action::Double),
            (Fault::Delay, Action::Delay),
        ] {
            if spare(fault) {
                actions.extend(flight.iter().map(|it| (act(*it), false)));
            }
        }
        let late = distinct(&state.late);
        actions.extend(late.iter().map(|it| (Action::Release(*it), false)));
        self.faults(state, &mut actions);
        actions
    }

    /// What NIMs and verdicts tell nodes of the others, as far as it is true.
    fn notices(&self, state: &State, actions: &mut Vec<(Action, bool)>) {
        for node in names::nodes() {
            if state.verdicts[usize::from(node)].is_none() && self.is_missed(state, node) {
                actions.push((Action::Judge(node), true));
            }
            let pending = state.verdicts[usize::from(node)].map_or(0, |it| it.pending);
            let hear = names::nodes().filter(|other| has(pending, *other));
            actions.extend(hear.map(|other| (Action::Learn(other, node), true)));
            let Some(belongs) = self.belongs(state, node) else { continue };
            let company = names::nodes().any(|it| it != node && state.is_heard(it));
            let alone = has(state.cut, node) || !company;
            if alone && belongs.members != only(node) {
                actions.push((Action::Alone(node), true));
            }
            for other in names::nodes().filter(|other| *other != node) {
                if !state.is_heard(node) || !state.is_heard(other) {
                    continue;
                }
                if self.beat_tells(state, node, other) {
                    actions.push((Action::Beat(node, other), true));
                }
                if self.is_not_fed(state, node, other) {
                    actions.push((Action::Compare(node, other), true));
                }
            }
        }
    }

    /// Somebody lists a run of a node that is not there any more.
    fn is_missed(&self, state: &State, node: u8) -> bool {
        let run = state.place(node).run;
        let there = state.is_heard(node).then(|| self.incarnation(node, run));
        let leaving = matches!(state.place(node).condition, Condition::Leaving(_));
        let listed = |other: u8| {
            let belongs = self.belongs(state, other)?;
            let doomed = has(self.facts(state, other).doomed, node);
            (has(belongs.members, node) && !doomed)
                .then_some(belongs.incarnations[usize::from(node)])
        };
        let others = names::nodes().filter(|other| *other != node && state.is_heard(*other));
        !leaving && others.filter_map(listed).any(|run| there.is_none_or(|there| run < there))
    }

    /// The first feeds the second, and they are not in the same group.
    fn beat_tells(&self, state: &State, node: u8, other: u8) -> bool {
        let Some(mine) = self.belongs(state, node) else { return false };
        let theirs = self.belongs(state, other);
        let run = self.incarnation(node, state.place(node).run);
        let old = theirs
            .is_some_and(|it| has(it.members, node) && it.incarnations[usize::from(node)] < run);
        has(self.facts(state, node).feeds, other)
            && (old || theirs.map(|it| it.group) != Some(mine.group))
            && state.noticed & beat_bit(node, other) == 0
    }

    /// A round of arbitration lasts longer than any datagram is under way: what
    /// it finds, it finds when nothing is.
    fn is_not_fed(&self, state: &State, node: u8, other: u8) -> bool {
        let facts = self.facts(state, node);
        state.flight.is_empty()
            && has(facts.watches, other)
            && !has(facts.doomed, other)
            && self.belongs(state, other).is_some()
            && !has(self.facts(state, other).feeds, node)
            && state.noticed & compare_bit(node, other) == 0
    }

    fn faults(&self, state: &State, actions: &mut Vec<(Action, bool)>) {
        let spare = |fault: Fault| state.spent.spares(fault, &self.budget);
        for node in names::nodes() {
            let place = state.place(node);
            if place.condition == Condition::Absent {
                actions.push((Action::Start(node), false));
                continue;
            }
            let up = place.condition == Condition::Up;
            if up && spare(Fault::Crash) {
                actions.push((Action::Crash(node), false));
            }
            if (up || place.condition == Condition::Gone) && spare(Fault::Restart) {
                actions.push((Action::Restart(node), false));
            }
            if has(state.cut, node) {
                actions.push((Action::Mend(node), false));
            } else if up && spare(Fault::Cut) {
                actions.push((Action::Cut(node), false));
            }
            if up && spare(Fault::Leave) && self.belongs(state, node).is_some() {
                actions.push((Action::Leave(node), false));
            }
        }
    }

    /// What comes of it; an error is a broken rule.
    pub(super) fn apply(&mut self, before: &State, action: Action) -> Result<State, String> {
        let mut state = before.clone();
        let it = &mut state;
        self.hop = match (self.overtake, action) {
            (None, _) => 0,
            (Some(_), Action::Deliver(datagram)) => datagram.hop + 1,
            (Some(_), _) => 1,
        };
        match action {
            Action::Deliver(datagram) => {
                take(&mut it.flight, datagram);
                self.deliver(it, datagram)?;
            }
            Action::Release(datagram) => {
                take(&mut it.late, datagram);
                self.deliver(it, datagram)?;
            }
            Action::Wake(node) => self.step(it, node, Move::Wake)?,
            Action::Tick => self.tick(it),
            Action::Overlook => {
                it.spent.spend(Fault::Unnoticed, &self.budget);
                self.tick(it);
            }
            Action::Judge(node) => self.judge(it, node),
            Action::Learn(node, about) => self.learn(it, node, about)?,
            Action::Alone(node) => self.step(it, node, Move::Isolate)?,
            Action::Beat(node, other) => {
                it.noticed |= beat_bit(node, other);
                self.heard_of(it, other, node, before.place(node).run)?;
                let mine = self.belongs(before, node).expect("who beats belongs to a group");
                if self.belongs(it, other).map(|it| it.group) != Some(mine.group) {
                    self.step(it, other, Move::Stranger { from: node, group: mine.group })?;
                }
            }
            Action::Compare(node, other) => {
                it.noticed |= compare_bit(node, other);
                self.step(it, node, Move::Compare(other))?;
            }
            Action::Start(node) => self.start(it, node, 0)?,
            Action::Lose(datagram) => {
                it.spent.spend(Fault::Loss, &self.budget);
                take(&mut it.flight, datagram);
            }
            Action::Double(datagram) => {
                it.spent.spend(Fault::Double, &self.budget);
                put(&mut it.flight, datagram);
            }
            Action::Delay(datagram) => {
                it.spent.spend(Fault::Delay, &self.budget);
                take(&mut it.flight, datagram);
                put(&mut it.late, datagram);
            }
            Action::Crash(node) => {
                it.spent.spend(Fault::Crash, &self.budget);
                gone(it, node);
            }
            Action::Restart(node) => self.restart(it, node)?,
            Action::Cut(node) => {
                it.spent.spend(Fault::Cut, &self.budget);
                it.cut |= only(node);
                it.flight.retain(|datagram| datagram.from != node && datagram.to != node);
                forget_pending(it, node);
            }
            Action::Mend(node) => it.cut &= !only(node),
            Action::Leave(node) => self.leave(it, node)?,
        }
        if self.overtake.is_some() {
            count_hops(&mut it.flight);
        }
        Ok(state)
    }
}
