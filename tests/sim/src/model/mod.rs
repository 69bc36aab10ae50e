//! A small world explored whole: three group machines on one network, and every
//! order in which what can happen to them does.
//!
//! The machines are the unchanged ones of `core::group`, driven as a node drives
//! them. Around them is as little world as possible:
//!
//! * **Time** passes in ticks, everywhere at once. A tick is a quarter of the
//!   heartbeat interval, of which every span of the protocol is a multiple.
//!   Deadlines of a tick come due in any order, before, between and after the
//!   datagrams of the tick. Ticks are enough: all comparisons of the machine are
//!   of the kind *now is not before a deadline*, and what such machines do in
//!   continuous time, they do with all times rounded to whole ticks.
//! * **Datagrams** arrive within the tick, in any order, unless one of a limited
//!   number of them is lost, doubled or delayed; a delayed one arrives whenever
//!   it does the most harm, or never. `overtake` can bound by how many hops one
//!   datagram overtakes another.
//! * **What NIMs and verdicts tell** is told when it is true: a heartbeat that
//!   names another group, a neighbour that lives and does not feed, a verdict on
//!   somebody who is gone, that reaches all others in any order, a node that
//!   hears nobody. It may be told at any moment; how many ticks pass before is
//!   limited by `unnoticed`.
//! * **Nodes** start, crash, start anew, are cut off and mended, and leave, at
//!   any moment.
//!
//! [`Scenario`]s say from where, and how many of what. Two states are the same if
//! their machines' texts are, with times relative to now (`canon`), and so are
//! the datagrams on their way, what is still to be told, the faults done so far,
//! and what the rules know of the past. A machine's state has a number, and what
//! an input does to it is computed once (`catalogue`).
//!
//! The rules are the simulator's: a membership contains who adopts it and is led
//! by its highest; instances grow; one instance of a leader is one membership;
//! whoever was removed sees the others leave before they are together again. And
//! in the end all agree: a world in which no more faults happen, what is in
//! flight arrives, and what is wrong is noticed, comes from every state to one
//! group of all that hear each other, and stays there (`settle`).

mod action;
mod canon;
mod catalogue;
mod command;
mod effect;
mod explore;
mod fingerprint;
mod machine;
mod names;
mod print;
mod rules;
mod scenario;
mod settle;
mod state;
mod whole;
mod whole_command;

pub use command::{Arguments, command};
pub use explore::{Bounds, Broken, Figures, Outcome};
pub use machine::{Input, Machine};
pub use rules::Leaving;
pub use scenario::{Clocks, Scenario, Setting, scenarios};
pub use state::{Budget, Fault};
pub use whole::{Harm, Harmed, Story, Sum, Told, stories};
