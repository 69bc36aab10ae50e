//! One state of the whole: three nodes, what is in flight, and what is known.

use hats_wire::Cause;

use super::{
    catalogue::{MachineId, MessageId},
    names::{NODES, Set, has},
};

/// What may be done to the nodes and their datagrams, so often.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Fault {
    /// A datagram is lost.
    Loss,
    /// A datagram comes twice.
    Double,
    /// A datagram is held back for as long as it takes to do harm.
    Delay,
    /// A node is dead at once.
    Crash,
    /// A node is started anew, before or after anybody missed it.
    Restart,
    /// An adapter neither sends nor receives; it may be mended at any time.
    Cut,
    /// A node stops in good order.
    Leave,
    /// A tick passes although somebody has something to notice: that a node is
    /// gone, or that groups differ.
    Unnoticed,
}

/// As often as it pleases.
pub(super) const UNLIMITED: u8 = u8::MAX;

impl Fault {
    /// Every kind.
    pub const ALL: [Fault; 8] = [
        Fault::Loss,
        Fault::Double,
        Fault::Delay,
        Fault::Crash,
        Fault::Restart,
        Fault::Cut,
        Fault::Leave,
        Fault::Unnoticed,
    ];

    /// The word on the command line.
    pub fn word(self) -> &'static str {
        match self {
            Fault::Loss => "loss",
            Fault::Double => "double",
            Fault::Delay => "delay",
            Fault::Crash => "crash",
            Fault::Restart => "restart",
            Fault::Cut => "cut",
            Fault::Leave => "leave",
            Fault::Unnoticed => "unnoticed",
        }
    }
}

/// How often each fault was done, or may be.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct Budget([u8; Fault::ALL.len()]);

impl Budget {
    /// So many of these, none of the others.
    pub fn of(faults: &[(Fault, u8)]) -> Self {
        let mut budget = Budget::default();
        for (fault, times) in faults {
            budget.0[*fault as usize] = *times;
        }
        budget
    }

    /// With so many of this one instead.
    pub fn with(mut self, fault: Fault, times: u8) -> Self {
        self.0[fault as usize] = times;
        self
    }

    /// How many of this one.
    pub fn get(&self, fault: Fault) -> u8 {
        self.0[fault as usize]
    }

    /// Once more; what is unlimited is not counted.
    pub(super) fn spend(&mut self, fault: Fault, of: &Budget) {
        self.0[fault as usize] += u8::from(of.get(fault) != UNLIMITED);
    }

    /// Whether there is one left of `of`.
    pub(super) fn spares(&self, fault: Fault, of: &Budget) -> bool {
        self.get(fault) < of.get(fault)
    }
}

/// How a node is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Condition {
    /// Not started yet.
    Absent,
    Up,
    /// Says that it stops, until it is acknowledged, for so many ticks more.
    Leaving(u8),
    Gone,
}

/// One node.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Place {
    pub(super) condition: Condition,
    /// Of no meaning unless the node is up or leaving.
    pub(super) machine: MachineId,
    /// Which run of its daemon.
    pub(super) run: u8,
}

/// A datagram on its way to one node.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Datagram {
    pub(super) from: u8,
    pub(super) to: u8,
    /// Which run of the sender's daemon.
    pub(super) run: u8,
    pub(super) message: MessageId,
    /// So many hops later than the oldest one in flight: see `Model::overtake`.
    pub(super) hop: u8,
}

/// What was concluded of a node, and who has not heard it yet.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Verdict {
    /// The membership in force when it was concluded.
    pub(super) instance: u64,
    /// The run of the node that it is about, and earlier ones.
    pub(super) run: u8,
    pub(super) cause: Cause,
    pub(super) pending: Set,
}

/// See the module. Numbers stand for machines, messages and histories.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(super) struct State {
    pub(super) places: [Place; NODES],
    /// Adapters that are cut off.
    pub(super) cut: Set,
    /// Arrives within the tick; sorted.
    pub(super) flight: Vec<Datagram>,
    /// Arrives whenever it does the most harm, or never; sorted.
    pub(super) late: Vec<Datagram>,
    /// What heartbeats have shown in this tick: see `Model::notices`.
    pub(super) noticed: u32,
    pub(super) verdicts: [Option<Verdict>; NODES],
    pub(super) spent: Budget,
    pub(super) history: u32,
}

impl State {
    pub(super) fn place(&self, node: u8) -> &Place {
        &self.places[usize::from(node)]
    }

    pub(super) fn is_up(&self, node: u8) -> bool {
        self.place(node).condition == Condition::Up
    }

    /// Up, and not cut off.
    pub(super) fn is_heard(&self, node: u8) -> bool {
        self.is_up(node) && !has(self.cut, node)
    }
}

/// Puts a datagram among others, in order.
pub(super) fn put(list: &mut Vec<Datagram>, datagram: Datagram) {
    let at = list.partition_point(|other| *other <= datagram);
    list.insert(at, datagram);
}

/// Counts hops from the oldest datagram in flight.
pub(super) fn count_hops(list: &mut [Datagram]) {
    let oldest = list.iter().map(|datagram| datagram.hop).min().unwrap_or(0);
    for datagram in list.iter_mut() {
        datagram.hop -= oldest;
    }
    list.sort_unstable();
}

/// Takes one such datagram out.
pub(super) fn take(list: &mut Vec<Datagram>, datagram: Datagram) {
    let at = list.binary_search(&datagram).expect("an action is about a datagram that is there");
    list.remove(at);
}
