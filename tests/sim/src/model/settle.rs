//! Whether a fair world agrees in the end, for good, from every state.
//!
//! In a fair world no further fault happens, what is in flight arrives, and
//! what is wrong is noticed before time passes. Its steps make a graph; what it
//! does for ever, it does within one strongly connected part of it. So it agrees
//! for good exactly if in every part with a cycle all states agree, and so does
//! every state without a next one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The fair steps between states, in the order in which states were explored.
#[derive(Debug, Default)]
pub(super) struct Graph {
    agreed: Vec<bool>,
    /// Where the edges of each explored state begin.
    begins: Vec<usize>,
    /// Where to, and whether a tick passes (the highest bit).
    edges: Vec<u32>,
}

const TICK: u32 = 1 << 31;

impl Graph {
    /// One more state.
    pub(super) fn state(&mut self, agreed: bool) {
        self.agreed.push(agreed);
    }

    /// The edges that follow are of this state: each once, in order.
    pub(super) fn begin(&mut self, number: u32) {
        assert_eq!(self.begins.len(), number as usize, "states are explored in order");
        self.begins.push(self.edges.len());
    }

    pub(super) fn edge(&mut self, to: u32, tick: bool) {
        assert!(to < TICK, "fewer than 2^31 states");
        self.edges.push(if tick { to | TICK } else { to });
    }

    fn is_explored(&self, state: u32) -> bool {
        (state as usize) < self.begins.len()
    }

    fn edges(&self, state: u32) -> &[u32] {
        let at = state as usize;
        let Some(begin) = self.begins.get(at) else { return &[] };
        let end = self.begins.get(at + 1).copied().unwrap_or(self.edges.len());
        &self.edges[*begin..end]
    }
}

/// What was found.
#[derive(Debug, Default)]
pub(super) struct Settled {
    /// The longest time until all agree for good.
    pub(super) worst_ticks: u32,
    /// The states of the longest way there, from where it is longest.
    pub(super) slowest: Vec<u32>,
    /// A state that is not left for good, and the states of a cycle from it
    /// back to it; no cycle: nothing can happen any more.
    pub(super) never: Option<(u32, Vec<u32>)>,
}

/// In words.
pub(super) fn why(cycle: &[u32]) -> String {
    let what = if cycle.is_empty() { "nothing happens any more" } else { "they go round" };
    format!("all that hear each other agree in the end: {what}, and they do not agree")
}

/// Tarjan's algorithm, without recursion.
struct Search<'a> {
    graph: &'a Graph,
    /// 0: not met; else when it was met.
    met: Vec<u32>,
    low: Vec<u32>,
    done: Vec<bool>,
    stack: Vec<u32>,
    clock: u32,
    /// Ticks until the last disagreement that can follow; `AGREED` if none.
    ticks: Vec<u32>,
    settled: Settled,
}

const AGREED: u32 = u32::MAX;

pub(super) fn settle(graph: &Graph) -> Settled {
    let size = graph.agreed.len();
    let mut search = Search {
        graph,
        met: vec![0; size],
        low: vec![0; size],
        done: vec![false; size],
        stack: Vec::new(),
        clock: 0,
        ticks: vec![AGREED; size],
        settled: Settled::default(),
    };
    for state in 0..u32::try_from(size).expect("fewer than 2^31 states") {
        if search.met[state as usize] == 0 {
            search.visit(state);
        }
    }
    search.settled.slowest = search.slowest();
    search.settled
}

impl Search<'_> {
    fn visit(&mut self, root: u32) {
        let mut calls = vec![(root, 0usize)];
        self.enter(root);
        while let Some((state, next)) = calls.last_mut() {
            let state = *state;
            if let Some(edge) = self.graph.edges(state).get(*next) {
                *next += 1;
                let to = edge & !TICK;
                if self.met[to as usize] == 0 {
                    self.enter(to);
                    calls.push((to, 0));
                } else if !self.done[to as usize] {
                    self.lower(state, self.met[to as usize]);
                }
                continue;
            }
            calls.pop();
            if self.low[state as usize] == self.met[state as usize] {
                self.part(state);
            }
            if let Some((caller, _)) = calls.last() {
                self.lower(*caller, self.low[state as usize]);
            }
        }
    }

    fn slowest(&self) -> Vec<u32> {
        let worst = self.settled.worst_ticks;
        let from = self.ticks.iter().position(|ticks| *ticks == worst);
        let Some(from) = from.filter(|_| self.settled.never.is_none()) else { return Vec::new() };
        let mut way = vec![u32::try_from(from).expect("fewer than 2^31 states")];
        let mut passed = BTreeSet::from([way[0]]);
        while let Some(at) = way.last() {
            let left = self.ticks[*at as usize];
            let next = self.graph.edges(*at).iter().find(|edge| {
                let ticks = self.ticks[(*edge & !TICK) as usize];
                let longest = ticks != AGREED && ticks + u32::from(*edge & TICK != 0) == left;
                longest && !passed.contains(&(*edge & !TICK))
            });
            let Some(next) = next.map(|edge| edge & !TICK) else { break };
            passed.insert(next);
            way.push(next);
        }
        way
    }

    fn enter(&mut self, state: u32) {
        self.clock += 1;
        self.met[state as usize] = self.clock;
        self.low[state as usize] = self.clock;
        self.stack.push(state);
    }

    fn lower(&mut self, state: u32, low: u32) {
        let known = &mut self.low[state as usize];
        *known = (*known).min(low);
    }

    /// A strongly connected part is complete: all that follows it is known.
    fn part(&mut self, root: u32) {
        let begin = self.stack.iter().rposition(|it| *it == root).expect("it is on the stack");
        let part = self.stack.split_off(begin);
        let graph = self.graph;
        let cyclic = part.len() > 1 || graph.edges(root).iter().any(|it| it & !TICK == root);
        let ends = |state: u32| graph.is_explored(state) && graph.edges(state).is_empty();
        for state in &part {
            self.done[*state as usize] = true;
            let disagrees = !graph.agreed[*state as usize];
            let better = self.settled.never.as_ref().is_none_or(|(known, _)| state < known);
            if disagrees && better && (cyclic || ends(*state)) {
                self.settled.never = Some((*state, cycle(graph, *state, &part)));
            }
        }
        let mut ticks =
            if part.iter().all(|it| graph.agreed[*it as usize]) { None } else { Some(0) };
        for edge in part.iter().flat_map(|state| graph.edges(*state)) {
            let follows = self.ticks[(edge & !TICK) as usize];
            if self.done[(edge & !TICK) as usize] && follows != AGREED {
                ticks = ticks.max(Some(follows + u32::from(edge & TICK != 0)));
            }
        }
        for state in &part {
            self.ticks[*state as usize] = ticks.unwrap_or(AGREED);
        }
        self.settled.worst_ticks = self.settled.worst_ticks.max(ticks.unwrap_or(0));
    }
}

/// The shortest way from a state back to itself, within its part.
fn cycle(graph: &Graph, state: u32, part: &[u32]) -> Vec<u32> {
    let inside: BTreeSet<u32> = part.iter().copied().collect();
    let mut from: BTreeMap<u32, u32> = BTreeMap::new();
    let mut waiting = VecDeque::from([state]);
    while let Some(at) = waiting.pop_front() {
        for to in graph.edges(at).iter().map(|edge| edge & !TICK) {
            if !inside.contains(&to) || from.contains_key(&to) {
                continue;
            }
            from.insert(to, at);
            if to == state {
                let mut path = vec![state];
                let mut back = at;
                while back != state {
                    path.push(back);
                    back = from[&back];
                }
                path.reverse();
                return path;
            }
            waiting.push_back(to);
        }
    }
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A graph of states that agree or not, and the steps from each.
    fn graph(states: &[(bool, &[(u32, bool)])]) -> Graph {
        let mut graph = Graph::default();
        for (agreed, _) in states {
            graph.state(*agreed);
        }
        for (number, (_, edges)) in states.iter().enumerate() {
            graph.begin(number as u32);
            for (to, tick) in *edges {
                graph.edge(*to, *tick);
            }
        }
        graph
    }

    #[test]
    fn time_until_agreement_is_that_of_the_longest_way() {
        let it = graph(&[
            (false, &[(1, true), (2, false)]),
            (false, &[(3, true)]),
            (true, &[(4, true)]),
            (true, &[(3, true)]),
            (false, &[(5, true)]),
            (false, &[(3, true)]),
        ]);
        let settled = settle(&it);
        assert_eq!(settled.never, None);
        assert_eq!(settled.worst_ticks, 2, "5 disagrees still");
        assert_eq!(settled.slowest, [0, 2, 4, 5]);
    }

    #[test]
    fn a_cycle_that_disagrees_anywhere_is_found() {
        let it = graph(&[
            (false, &[(1, false)]),
            (true, &[(2, true), (3, false)]),
            (true, &[(1, true)]),
            (false, &[(2, false)]),
        ]);
        let (state, cycle) = settle(&it).never.expect("1 -> 3 -> 2 -> 1 disagrees at times");
        assert_eq!((state, cycle), (3, vec![2, 1, 3]));
    }

    #[test]
    fn an_end_that_disagrees_is_found_and_one_that_agrees_is_well() {
        assert_eq!(settle(&graph(&[(false, &[])])).never, Some((0, vec![])));
        assert_eq!(settle(&graph(&[(false, &[(1, true)]), (true, &[])])).never, None);
    }

    #[test]
    fn what_was_not_explored_is_no_end() {
        let mut it = graph(&[(false, &[(1, true)])]);
        it.state(false);
        assert_eq!(settle(&it).never, None);
    }
}
