//! Every state that can be reached, nearest first.

use std::collections::{BTreeMap, VecDeque};

use super::{
    action::{Action, Model},
    catalogue::Out,
    fingerprint::Fingerprint,
    machine::Machine,
    names,
    settle::{self, Graph},
    state::State,
};

/// How much is explored at most.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// So many states.
    pub states: usize,
    /// So many actions from the beginning.
    pub depth: u32,
}

/// What an exploration came to.
#[derive(Clone, Debug, Default)]
pub struct Figures {
    /// Distinct states.
    pub states: usize,
    /// Actions carried out.
    pub actions: u64,
    /// States that were met and not explored, because of the bounds.
    pub left: usize,
    /// Actions from the beginning to the furthest state.
    pub depth: u32,
    /// Distinct states of single machines.
    pub machines: usize,
    /// States in which all that hear each other are one group.
    pub agreed: usize,
    /// Datagrams in flight at once, at most.
    pub in_flight: usize,
    /// From any state, without further faults, ticks until all agree for good.
    pub worst_ticks: u32,
    /// How often each kind of action was carried out.
    pub kinds: BTreeMap<String, u64>,
}

impl Figures {
    /// Nothing was left out.
    pub fn is_closed(&self) -> bool {
        self.left == 0
    }
}

/// A rule does not hold.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Which, and how.
    pub why: String,
    /// What happened, in the lines of the simulator's trace.
    pub trace: Vec<String>,
}

/// How it ended.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// What was seen.
    pub figures: Figures,
    /// The first rule that does not hold, if any, by the shortest way there.
    pub broken: Option<Broken>,
    /// The longest way to an agreement for good, in the lines of the trace.
    pub slowest: Vec<String>,
}

/// How a state was first reached: from which, by which of its actions.
#[derive(Clone, Copy, Debug)]
struct Origin {
    parent: u32,
    action: u16,
}

pub(super) struct Explorer<'a, M> {
    model: &'a mut Model<M>,
    begin: State,
    bounds: Bounds,
    seen: BTreeMap<u128, u32>,
    origins: Vec<Origin>,
    graph: Graph,
    waiting: VecDeque<(u32, u32, State)>,
    figures: Figures,
    counts: BTreeMap<&'static str, u64>,
}

/// Shown while it goes on.
pub(super) type Progress<'a> = &'a mut dyn FnMut(&Figures);

/// Explores what can come of `begin`.
pub(super) fn explore<M: Machine>(
    model: &mut Model<M>,
    begin: State,
    bounds: Bounds,
    progress: Progress<'_>,
) -> Outcome {
    let mut explorer = Explorer {
        model,
        begin: begin.clone(),
        bounds,
        seen: BTreeMap::new(),
        origins: Vec::new(),
        graph: Graph::default(),
        waiting: VecDeque::new(),
        figures: Figures::default(),
        counts: BTreeMap::new(),
    };
    explorer.meet(begin, Origin { parent: 0, action: 0 }, 0);
    let broken = explorer.run(progress);
    let (unsettled, slowest) =
        if broken.is_none() { explorer.unsettled() } else { (None, Vec::new()) };
    Outcome { figures: explorer.figures, broken: broken.or(unsettled), slowest }
}

impl<M: Machine> Explorer<'_, M> {
    fn run(&mut self, progress: Progress<'_>) -> Option<Broken> {
        while let Some((number, depth, state)) = self.waiting.pop_front() {
            if depth >= self.bounds.depth || self.figures.states >= self.bounds.states {
                self.figures.left = self.waiting.len() + 1;
                break;
            }
            if let Err(broken) = self.expand(number, depth, &state) {
                self.figures.left = self.waiting.len() + 1;
                self.count();
                return Some(broken);
            }
            if number % 65_536 == 0 {
                self.count();
                progress(&self.figures);
            }
        }
        self.count();
        None
    }

    fn count(&mut self) {
        self.figures.machines = self.model.catalogue.machines();
        self.figures.kinds =
            self.counts.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect();
    }

    fn expand(&mut self, number: u32, depth: u32, state: &State) -> Result<(), Broken> {
        let actions = self.model.actions(state);
        self.graph.begin(number);
        for (index, (action, fair)) in actions.into_iter().enumerate() {
            self.figures.actions += 1;
            *self.counts.entry(action.word()).or_default() += 1;
            let next = match self.model.apply(state, action) {
                Ok(next) => next,
                Err(why) => {
                    let mut path = self.path(number);
                    path.push(action);
                    return Err(self.broken(why, &path));
                }
            };
            let index = u16::try_from(index).expect("few actions");
            let to = self.meet(next, Origin { parent: number, action: index }, depth + 1);
            if fair {
                self.graph.edge(to, action == Action::Tick);
            }
        }
        Ok(())
    }

    /// The number of a state; a new one waits to be explored.
    fn meet(&mut self, state: State, origin: Origin, depth: u32) -> u32 {
        let next = u32::try_from(self.origins.len()).expect("fewer than 2^31 states");
        let number = *self.seen.entry(Fingerprint::of(&state)).or_insert(next);
        if number < next {
            return number;
        }
        let agreed = self.model.agreed(&state);
        self.graph.state(agreed);
        self.origins.push(origin);
        let figures = &mut self.figures;
        figures.states += 1;
        figures.agreed += usize::from(agreed);
        figures.depth = figures.depth.max(depth);
        figures.in_flight = figures.in_flight.max(state.flight.len());
        self.waiting.push_back((number, depth, state));
        number
    }

    /// The shortest way to a state.
    fn path(&mut self, number: u32) -> Vec<Action> {
        let mut indices = Vec::new();
        let mut at = number;
        while at != 0 {
            let origin = self.origins[at as usize];
            indices.push(usize::from(origin.action));
            at = origin.parent;
        }
        let mut state = self.begin.clone();
        let mut path = Vec::new();
        for index in indices.into_iter().rev() {
            let (action, _) = self.model.actions(&state)[index];
            state = self.model.apply(&state, action).expect("it was explored");
            path.push(action);
        }
        path
    }

    /// Whether fair worlds agree for good, from everywhere, and how long the
    /// slowest takes.
    fn unsettled(&mut self) -> (Option<Broken>, Vec<String>) {
        let settled = settle::settle(&self.graph);
        self.figures.worst_ticks = settled.worst_ticks;
        let mut slowest = Vec::new();
        if let Some((from, way)) = settled.slowest.split_first() {
            let path = self.path_on(*from, way);
            slowest = super::print::trace(self.model, &self.begin, &path);
        }
        let Some((number, cycle)) = settled.never else { return (None, slowest) };
        let path = self.path_on(number, &cycle);
        let mut broken = self.broken(settle::why(&cycle), &path);
        if !cycle.is_empty() {
            let line = format!("the last {} actions can go on for ever", cycle.len());
            broken.trace.push(line);
        }
        (Some(broken), slowest)
    }

    /// The shortest way to a state, and from there by fair steps over others.
    fn path_on(&mut self, number: u32, over: &[u32]) -> Vec<Action> {
        let mut path = self.path(number);
        let mut state = self.state_after(&path);
        for next in over {
            let step = self.model.actions(&state).into_iter().find_map(|(action, fair)| {
                let to = self.model.apply(&state, action).ok().filter(|_| fair)?;
                (self.seen.get(&Fingerprint::of(&to)) == Some(next)).then_some((action, to))
            });
            let (action, to) = step.expect("an edge of the graph is an action");
            path.push(action);
            state = to;
        }
        path
    }

    fn state_after(&mut self, path: &[Action]) -> State {
        let mut state = self.begin.clone();
        for action in path {
            state = self.model.apply(&state, *action).expect("it was explored");
        }
        state
    }

    fn broken(&mut self, why: String, path: &[Action]) -> Broken {
        let trace = super::print::trace(self.model, &self.begin, path);
        Broken { why, trace }
    }
}

/// The kinds of messages that the machines said, to see that none is missing.
pub(super) fn kinds_said<M: Machine>(model: &Model<M>) -> BTreeMap<String, usize> {
    let mut kinds = BTreeMap::new();
    for message in model.catalogue.all_messages() {
        *kinds.entry(names::kind(message)).or_default() += 1;
    }
    for out in model.catalogue.all_outcomes() {
        if let Out::Adopted(adoption) = out {
            *kinds.entry(adoption.why.to_owned()).or_default() += 1;
        }
    }
    kinds
}
