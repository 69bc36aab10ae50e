//! From where, and with which faults, the orders of events are explored.

use std::collections::BTreeMap;

use super::{
    action::{Action, Model},
    explore::{Bounds, Figures, Outcome, explore, kinds_said},
    machine::Machine,
    names::{NODES, has, nodes},
    rules::Leaving,
    state::{Budget, Fault, State, UNLIMITED},
};

/// Where instances of the three nodes begin. They begin with each node's clock.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Clocks {
    /// All at the same: instances of different groups are often equal.
    #[default]
    Even,
    /// The higher the address, the higher.
    Rising,
    /// The higher the address, the lower.
    Falling,
}

impl Clocks {
    fn firsts(self) -> [u64; NODES] {
        match self {
            Clocks::Even => [10, 10, 10],
            Clocks::Rising => [10, 100, 200],
            Clocks::Falling => [200, 100, 10],
        }
    }
}

/// A beginning, and what may be done then.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it is called.
    pub name: &'static str,
    /// What it is about, in a sentence.
    pub about: &'static str,
    /// Those that have started and formed groups when it begins; those of one
    /// set hear each other. Others are not started.
    formed: &'static [u8],
    budget: Budget,
}

/// Every scenario.
pub fn scenarios() -> Vec<Scenario> {
    use Fault::{Crash, Cut, Delay, Double, Leave, Loss, Restart, Unnoticed};
    let scenario = |name, about, formed, faults: &[(Fault, u8)]| Scenario {
        name,
        about,
        formed,
        budget: Budget::of(faults),
    };
    let any = (Unnoticed, UNLIMITED);
    let election = "three nodes start in any order, at any time";
    let loss = "the same, and a datagram is lost";
    let takeover = "of three two die, at any moment, the second in the midst of what follows";
    let one = "of three one dies, and a datagram is lost, delayed or doubled";
    let low = "a group of the two lower nodes meets the highest one";
    let around = "a group of the highest and the lowest node meets the one between";
    let high = "a group of the two higher nodes meets the lowest one";
    let rough = "the same, and a datagram is lost, doubled or delayed";
    let three = "three that led themselves meet";
    let leave = "one stops in good order while another dies";
    let restart = "a daemon is started anew, before or after it is missed";
    let split = "an adapter is cut off and mended again, at any moment";
    let harm = [(Loss, 1), (Double, 1), (Delay, 1)];
    let with = |fault: (Fault, u8)| [harm.as_slice(), &[any, fault]].concat();
    vec![
        scenario("election", election, &[], &[any]),
        scenario("election-loss", loss, &[], &[any, (Loss, 1)]),
        scenario("takeover", takeover, &[0b111], &[any, (Crash, 2)]),
        scenario("takeover-rough", one, &[0b111], &with((Crash, 1))),
        scenario("merge-12-3", low, &[0b011, 0b100], &[any]),
        scenario("merge-13-2", around, &[0b101, 0b010], &[any]),
        scenario("merge-23-1", high, &[0b110, 0b001], &[any]),
        scenario("merge-12-3-rough", rough, &[0b011, 0b100], &with((Crash, 0))),
        scenario("merge-13-2-rough", rough, &[0b101, 0b010], &with((Crash, 0))),
        scenario("merge-23-1-rough", rough, &[0b110, 0b001], &with((Crash, 0))),
        scenario("merge-1-2-3", three, &[0b100, 0b010, 0b001], &[any]),
        scenario("leave", leave, &[0b111], &[any, (Leave, 1), (Crash, 1)]),
        scenario("restart", restart, &[0b111], &[(Unnoticed, 5), (Restart, 1)]),
        scenario("split", split, &[0b111], &[(Unnoticed, 1), (Cut, 1)]),
    ]
}

/// How a scenario is explored.
#[derive(Clone, Copy, Debug)]
pub struct Setting {
    /// Where instances begin.
    pub clocks: Clocks,
    /// A datagram overtakes those sent less than so many hops before it; none:
    /// all.
    pub overtake: Option<u8>,
    /// Of whom it is asked that a leave is seen from both sides.
    pub leaving: Leaving,
    /// How much.
    pub bounds: Bounds,
}

impl Scenario {
    /// The scenario of that name.
    pub fn named(name: &str) -> Option<Scenario> {
        scenarios().into_iter().find(|it| it.name == name)
    }

    /// With so many faults of that kind instead of its own.
    pub fn with(mut self, fault: Fault, times: u8) -> Self {
        self.budget = self.budget.with(fault, times);
        self
    }

    /// What may be done, in words.
    pub fn faults(&self) -> String {
        let word = |fault: &Fault| {
            let times = match self.budget.get(*fault) {
                0 => return None,
                UNLIMITED => "at will".to_owned(),
                times => format!("x{times}"),
            };
            Some(format!("{} {times}", fault.word()))
        };
        let words: Vec<String> = Fault::ALL.iter().filter_map(word).collect();
        if words.is_empty() { "no fault".to_owned() } else { words.join(", ") }
    }

    /// Explores all orders of events.
    pub fn explore<M: Machine>(
        &self,
        setting: Setting,
        progress: &mut dyn FnMut(&Figures),
    ) -> Outcome {
        let (mut model, begin) = self.beginning::<M>(setting);
        let mut outcome = explore(&mut model, begin, setting.bounds, progress);
        outcome.figures.kinds.extend(said(&model));
        outcome
    }

    /// The same, and then checks that states of machines which were taken for
    /// the same do the same: how many steps were compared.
    pub fn audit<M: Machine>(&self, setting: Setting) -> Result<usize, String> {
        let (mut model, begin) = self.beginning::<M>(setting);
        explore(&mut model, begin, setting.bounds, &mut |_| {});
        model.catalogue.audit()
    }

    fn beginning<M: Machine>(&self, setting: Setting) -> (Model<M>, State) {
        let mut model = Model::new(setting.clocks.firsts(), self.budget);
        (model.overtake, model.leaving) = (setting.overtake, setting.leaving);
        let mut state = model.nothing();
        for (number, formed) in self.formed.iter().enumerate() {
            if number > 0 {
                state.cut |= formed;
            }
        }
        let started = self.formed.iter().fold(0, |set, it| set | it);
        for node in nodes().filter(|node| has(started, *node)) {
            state = model.apply(&state, Action::Start(node)).expect("a start breaks no rule");
        }
        if started != 0 {
            state = settled(&mut model, state);
        }
        (model, state)
    }
}

fn said<M: Machine>(model: &Model<M>) -> BTreeMap<String, u64> {
    kinds_said(model).into_iter().map(|(kind, count)| (kind, count as u64)).collect()
}

/// A machine that does not settle is explored from wherever it is then.
const BEGINNING_MAX: u32 = 20_000;

/// What a fair world comes to, when all has been quiet for long.
fn settled<M: Machine>(model: &mut Model<M>, mut state: State) -> State {
    let mut quiet = 0;
    for _ in 0..BEGINNING_MAX {
        if quiet == 100 {
            break;
        }
        let next = model.actions(&state).into_iter().find(|(_, fair)| *fair);
        let (action, _) = next.expect("time passes at least");
        state = model.apply(&state, action).expect("a fair world breaks no rule");
        let counts = action == Action::Tick && model.agreed(&state);
        quiet = if model.agreed(&state) { quiet + u32::from(counts) } else { 0 };
    }
    state.history = model.histories.number(super::rules::History::default());
    state
}
